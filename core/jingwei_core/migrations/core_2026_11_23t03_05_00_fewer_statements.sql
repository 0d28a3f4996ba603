-- What a report costs beside its rows: two statements fewer, and no row lies in a store on its way.

-- The head moves in one statement, which answers the hash before it as well. The hash rule stands a second
-- time in jingwei_core.audit.chain. The first row of a tenant makes the head; every other one finds it.
CREATE OR REPLACE FUNCTION core.audit_append(
    p_at timestamptz, p_actor_kind text, p_actor_id uuid, p_actor_name text, p_command text,
    p_request_id text, p_target_id uuid, p_place_path text, p_changes jsonb
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tenant uuid := current_setting('app.tenant')::uuid;
    -- All of the hash that does not depend on the row before, worked out before that is locked.
    told text := concat_ws(E'\x1f',
        to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        p_actor_kind, coalesce(p_actor_id::text, ''), p_actor_name, p_command, p_request_id,
        coalesce(p_target_id::text, ''), coalesce(p_place_path, ''), p_changes::text);
    made core.audit_head;
BEGIN
    UPDATE core.audit_head h
    SET sequence = h.sequence + 1, previous = h.hash, updated_at = p_at,
        hash = encode(sha256(convert_to(
            concat_ws(E'\x1f', (h.sequence + 1)::text, told, h.hash), 'UTF8')), 'hex')
    WHERE h.tenant_id = tenant
    RETURNING * INTO made;
    IF NOT FOUND THEN
        INSERT INTO core.audit_head (tenant_id, id, sequence, hash)
        VALUES (tenant, tenant, 0, repeat('0', 64))
        ON CONFLICT DO NOTHING;
        RETURN core.audit_append(p_at, p_actor_kind, p_actor_id, p_actor_name, p_command,
            p_request_id, p_target_id, p_place_path, p_changes);
    END IF;
    INSERT INTO core.audit_entry (tenant_id, id, sequence, at, actor_kind, actor_id, actor_name,
        command, request_id, target_id, place_path, changes, previous, hash)
    VALUES (tenant, core.uuid7(), made.sequence, p_at, p_actor_kind, p_actor_id, p_actor_name,
        p_command, p_request_id, p_target_id, p_place_path, p_changes, made.previous, made.hash);
    RETURN made.sequence;
END $$;

-- Registers an event: takes the day's next number, and stores the event and the first entry of its
-- timeline. p_told is what the audit log is told of both, as members of a JSON array; p_unknown stands
-- for the number in it. Answers the whole of what the audit log is told. The day's counter stays
-- locked from here to the end of the transaction, so this is said last.
CREATE OR REPLACE FUNCTION core.event_registers(
    p_day date, p_at timestamptz, p_told text, p_unknown text
) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    counter_id uuid;
    counted integer;
    counter_version integer;
    event core.event;
    step core.event_step;
    stored_path text;
    told_counter text;
    told jsonb;
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
    IF counter_version = 1 THEN
        told_counter := format('{"table":"event_number","id":"%s","before":null,'
            '"after":{"version":1,"day":"%s","last":%s}}', counter_id, p_day, counted);
    ELSE
        told_counter := format('{"table":"event_number","id":"%s","before":{"version":%s,"last":%s},'
            '"after":{"version":%s,"last":%s}}',
            counter_id, counter_version - 1, counted - 1, counter_version, counted);
    END IF;
    told := ('[' || told_counter || ',' || replace(p_told, p_unknown, to_char(p_day, 'YYYYMMDD') || '-'
        || lpad(counted::text, greatest(6, length(counted::text)), '0')) || ']')::jsonb;
    event.tenant_id := current_setting('app.tenant')::uuid;
    event.id := told #>> '{1,id}';
    event.created_at := p_at;
    event.updated_at := p_at;
    step.tenant_id := event.tenant_id;
    step.id := told #>> '{2,id}';
    step.created_at := p_at;
    step.updated_at := p_at;
    -- Assignments, and not parts of the statements below: those would keep each row in a store.
    event := jsonb_populate_record(event, told #> '{1,after}');
    step := jsonb_populate_record(step, told #> '{2,after}');
    INSERT INTO core.event VALUES (event.*) RETURNING place_path INTO stored_path;
    INSERT INTO core.event_step VALUES (step.*);
    IF stored_path <> told #>> '{1,after,place_path}' THEN
        told := jsonb_set(told, '{1,after,place_path}', to_jsonb(stored_path));
    END IF;
    RETURN told;
END $$;

-- Rows that are written at a place, and a place that moves, wait for one another: otherwise a row
-- written beside the move would keep the old path for good. Rows do not wait for rows.
CREATE OR REPLACE FUNCTION core.set_place_path() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    waited text;
BEGIN
    IF NEW.place_id IS NULL THEN
        NEW.place_path := '';
        RETURN NEW;
    END IF;
    -- An assignment is quicker than a statement.
    waited := pg_advisory_xact_lock_shared(
        hashtextextended('jingwei.place-paths.' || NEW.tenant_id::text, 0));
    -- A statement of its own, so it sees what a move has committed while this one waited.
    SELECT p.path INTO NEW.place_path FROM core.place p
    WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.place_id;
    IF NOT FOUND THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('place %s does not exist', NEW.place_id),
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'place_id';
    END IF;
    RETURN NEW;
END $$;
