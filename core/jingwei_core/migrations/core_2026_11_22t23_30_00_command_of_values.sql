-- A command that reads nothing of its own is one statement with parameters. What it was prepared with
-- is checked first; a check that does not hold ends the statement with an SQLSTATE of our own.

DROP FUNCTION core.command_must_begin(uuid, bigint, bigint, text);

-- The account is active and of that epoch, and its permissions are those of that policy number.
CREATE FUNCTION core.access_must_be(p_account uuid, p_epoch bigint, p_policy bigint) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM core.account a
                    WHERE a.id = p_account AND a.status = 'active' AND a.session_epoch = p_epoch)
       OR coalesce((SELECT v.number FROM core.policy_version v), 0) <> p_policy THEN
        RAISE EXCEPTION USING ERRCODE = 'JW001', MESSAGE = 'the command was prepared with what is past';
    END IF;
END $$;

CREATE FUNCTION core.key_must_be_new(p_account uuid, p_key text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT core.command_claims(p_account, p_key) THEN
        RAISE EXCEPTION USING ERRCODE = 'JW001', MESSAGE = 'the key was used';
    END IF;
END $$;

-- The same, and the answer is kept at once. The unique key decides, whatever a plan would look into.
CREATE FUNCTION core.key_must_answer(
    p_account uuid, p_key text, p_command text, p_digest text, p_answer text
) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    -- An assignment is quicker than a statement.
    waited text := pg_advisory_xact_lock(hashtextextended(
        'command:' || current_setting('app.tenant') || p_account::text || p_key, 0));
BEGIN
    INSERT INTO core.command_key (account, key, command, digest, answer)
    VALUES (p_account, p_key, p_command, p_digest, p_answer::jsonb)
    ON CONFLICT (tenant_id, account, key) DO NOTHING;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'JW001', MESSAGE = 'the key was used';
    END IF;
END $$;

CREATE OR REPLACE FUNCTION core.changes_told(p_channel text, p_notices text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    notice text;
    sent text;
BEGIN
    FOREACH notice IN ARRAY p_notices LOOP
        sent := pg_notify(p_channel, notice);
    END LOOP;
END $$;

DROP FUNCTION core.audit_note(timestamptz, text, uuid, text, text, text, uuid, text, text);

-- A row of the audit log; what lies nowhere lies at the tenant's root, whose path is a prefix of
-- every other one.
CREATE FUNCTION core.audit_note(
    p_at timestamptz, p_actor_kind text, p_actor_id uuid, p_actor_name text, p_command text,
    p_request_id text, p_target_id uuid, p_place_path text, p_changes jsonb
) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    IF p_place_path IS NULL THEN
        SELECT p.path INTO p_place_path FROM core.place p ORDER BY p.path LIMIT 1;
    END IF;
    RETURN core.audit_append(p_at, p_actor_kind, p_actor_id, p_actor_name, p_command,
        p_request_id, p_target_id, p_place_path, p_changes);
END $$;

-- What is hashed is put together before the head is locked. The first row of a tenant makes the head;
-- every other one finds it. The hash rule stands a second time in jingwei_core.audit.chain.
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
    before text;
    next_sequence bigint;
    next_hash text;
BEGIN
    SELECT h.sequence + 1, h.hash INTO next_sequence, before
      FROM core.audit_head h WHERE h.tenant_id = tenant FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO core.audit_head (tenant_id, id, sequence, hash)
        VALUES (tenant, tenant, 0, repeat('0', 64))
        ON CONFLICT DO NOTHING;
        SELECT h.sequence + 1, h.hash INTO STRICT next_sequence, before
          FROM core.audit_head h WHERE h.tenant_id = tenant FOR UPDATE;
    END IF;
    next_hash := encode(sha256(convert_to(
        concat_ws(E'\x1f', next_sequence::text, told, before), 'UTF8')), 'hex');
    INSERT INTO core.audit_entry (tenant_id, id, sequence, at, actor_kind, actor_id, actor_name,
        command, request_id, target_id, place_path, changes, previous, hash)
    VALUES (tenant, core.uuid7(), next_sequence, p_at, p_actor_kind, p_actor_id, p_actor_name,
        p_command, p_request_id, p_target_id, p_place_path, p_changes, before, next_hash);
    UPDATE core.audit_head SET sequence = next_sequence, hash = next_hash, updated_at = p_at
    WHERE tenant_id = tenant;
    RETURN next_sequence;
END $$;

DROP FUNCTION core.event_registers(date, timestamptz, jsonb, jsonb, text, text);

-- Registers an event: takes the day's next number, and stores the event and the first entry of its
-- timeline. p_told is what the audit log is told of both, as members of a JSON array; p_unknown stands
-- for the number in it. Answers the whole of what the audit log is told. The day's counter stays
-- locked from here to the end of the transaction, so this is said last.
CREATE FUNCTION core.event_registers(
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
    INSERT INTO core.event SELECT r.* FROM jsonb_populate_record(event, told #> '{1,after}') r
    RETURNING place_path INTO stored_path;
    INSERT INTO core.event_step SELECT r.* FROM jsonb_populate_record(step, told #> '{2,after}') r;
    IF stored_path <> told #>> '{1,after,place_path}' THEN
        told := jsonb_set(told, '{1,after,place_path}', to_jsonb(stored_path));
    END IF;
    RETURN told;
END $$;

DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'core'::regnamespace
        AND p.proname IN ('access_must_be', 'key_must_be_new', 'key_must_answer', 'audit_note',
            'event_registers')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO {app}', made);
    END LOOP;
END $$;
