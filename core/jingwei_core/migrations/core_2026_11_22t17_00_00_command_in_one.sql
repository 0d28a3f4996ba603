-- A command that reads nothing of its own is one message: what it was prepared with is checked, and
-- then it is done. A check that does not hold ends the message with an SQLSTATE of our own.

CREATE FUNCTION core.command_must_begin(
    p_account uuid, p_epoch bigint, p_policy bigint, p_key text
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT core.command_begins(p_account, p_epoch, p_policy, p_key) THEN
        RAISE EXCEPTION USING ERRCODE = 'JW001', MESSAGE = 'the command was prepared with what is past';
    END IF;
END $$;

-- A place is as it was read: a row that was changed since was made by another transaction.
CREATE FUNCTION core.place_must_be(p_place uuid, p_made_by text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM core.place p WHERE p.id = p_place AND p.xmin = p_made_by::xid;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'JW001', MESSAGE = 'the place was changed';
    END IF;
END $$;

-- Registers an event: takes the day's next number, and stores the event and the first entry of its
-- timeline, which come as the rows that the application made. Answers what the audit log is told:
-- p_told is that of both rows, completed by what only the database knows. The day's counter stays
-- locked from here to the end of the transaction, so this is said as late as possible.
CREATE FUNCTION core.event_registers(
    p_day date, p_at timestamptz, p_event jsonb, p_step jsonb, p_told jsonb
) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    counter core.event_number;
    made core.event;
    counted jsonb;
BEGIN
    INSERT INTO core.event_number AS n (day, last, created_at, updated_at)
    VALUES (p_day, 1, p_at, p_at)
    ON CONFLICT (tenant_id, day) DO UPDATE
        SET last = n.last + 1, updated_at = p_at, version = n.version + 1
    RETURNING * INTO counter;
    made.number := to_char(p_day, 'YYYYMMDD') || '-'
        || lpad(counter.last::text, greatest(6, length(counter.last::text)), '0');
    INSERT INTO core.event SELECT r.* FROM jsonb_populate_record(made, p_event) r
    RETURNING * INTO made;
    INSERT INTO core.event_step
    SELECT r.* FROM jsonb_populate_record(NULL::core.event_step, p_step) r;
    counted := jsonb_build_object('table', 'event_number', 'id', counter.id);
    IF counter.version = 1 THEN
        counted := counted || jsonb_build_object('before', NULL, 'after', jsonb_build_object(
            'version', 1, 'day', p_day, 'last', counter.last));
    ELSE
        counted := counted || jsonb_build_object(
            'before', jsonb_build_object('version', counter.version - 1, 'last', counter.last - 1),
            'after', jsonb_build_object('version', counter.version, 'last', counter.last));
    END IF;
    RETURN jsonb_build_array(counted) || jsonb_set(
        jsonb_set(p_told, '{0,after,number}', to_jsonb(made.number)),
        '{0,after,place_path}', to_jsonb(made.place_path));
END $$;

DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'core'::regnamespace
        AND p.proname IN ('command_must_begin', 'place_must_be', 'event_registers')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO {app}', made);
    END LOOP;
END $$;
