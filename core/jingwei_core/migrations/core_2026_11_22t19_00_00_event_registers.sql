-- What the audit log is told of a registered event stays a text until it is stored: it is parsed once.
DROP FUNCTION core.event_registers(date, timestamptz, jsonb, jsonb, jsonb);

-- Registers an event: takes the day's next number, and stores the event and the first entry of its
-- timeline, which come as the rows that the application made. Answers what the audit log is told, as
-- members of a JSON array: p_told is that of both rows, in which p_unknown stands for the number. The
-- day's counter stays locked from here to the end of the transaction, so this is said last.
CREATE FUNCTION core.event_registers(
    p_day date, p_at timestamptz, p_event jsonb, p_step jsonb, p_told text, p_unknown text
) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    counter_id uuid;
    counted integer;
    counter_version integer;
    made core.event;
    stored_path text;
    told_counter text;
BEGIN
    UPDATE core.event_number n
    SET last = n.last + 1, updated_at = p_at, version = n.version + 1 WHERE n.day = p_day
    RETURNING n.id, n.last, n.version INTO counter_id, counted, counter_version;
    IF NOT FOUND THEN
        -- Two first events of a day meet at its unique key: the second counts on.
        INSERT INTO core.event_number AS n (day, last, created_at, updated_at)
        VALUES (p_day, 1, p_at, p_at)
        ON CONFLICT (tenant_id, day) DO UPDATE
            SET last = n.last + 1, updated_at = p_at, version = n.version + 1
        RETURNING n.id, n.last, n.version INTO counter_id, counted, counter_version;
    END IF;
    made.number := to_char(p_day, 'YYYYMMDD') || '-'
        || lpad(counted::text, greatest(6, length(counted::text)), '0');
    INSERT INTO core.event SELECT r.* FROM jsonb_populate_record(made, p_event) r
    RETURNING place_path INTO stored_path;
    INSERT INTO core.event_step
    SELECT r.* FROM jsonb_populate_record(NULL::core.event_step, p_step) r;
    IF counter_version = 1 THEN
        told_counter := format('{"table":"event_number","id":"%s","before":null,'
            '"after":{"version":1,"day":"%s","last":%s}}', counter_id, p_day, counted);
    ELSE
        told_counter := format('{"table":"event_number","id":"%s","before":{"version":%s,"last":%s},'
            '"after":{"version":%s,"last":%s}}',
            counter_id, counter_version - 1, counted - 1, counter_version, counted);
    END IF;
    p_told := replace(p_told, p_unknown, made.number);
    IF stored_path <> p_event ->> 'place_path' THEN
        p_told := jsonb_set(format('[%s]', p_told)::jsonb, '{0,after,place_path}',
            to_jsonb(stored_path))::text;
        p_told := substr(p_told, 2, length(p_told) - 2);
    END IF;
    RETURN told_counter || ',' || p_told;
END $$;

REVOKE ALL ON FUNCTION
    core.event_registers(date, timestamptz, jsonb, jsonb, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    core.event_registers(date, timestamptz, jsonb, jsonb, text, text) TO {app};
