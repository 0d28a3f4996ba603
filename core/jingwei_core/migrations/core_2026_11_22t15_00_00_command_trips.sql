-- What a command says to the database besides its own statements, in two messages: one that begins
-- it and one that ends it. The functions keep their plans, so that the messages stay short to parse.

-- Whether a command may begin as it was prepared: the account is active and of that epoch, the
-- tenant's policy number is the one that its permissions were loaded with, and the idempotency key,
-- if there is one, is new. Two commands with one key meet here: the second waits for the first.
CREATE FUNCTION core.command_begins(
    p_account uuid, p_epoch bigint, p_policy bigint, p_key text
) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM core.account a
                    WHERE a.id = p_account AND a.status = 'active' AND a.session_epoch = p_epoch)
       OR coalesce((SELECT v.number FROM core.policy_version v), 0) <> p_policy THEN
        RETURN false;
    END IF;
    RETURN p_key IS NULL OR core.command_claims(p_account, p_key);
END $$;

-- Whether the key is new; from here on until the transaction ends it is this transaction's.
CREATE FUNCTION core.command_claims(p_account uuid, p_key text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(
        'command:' || current_setting('app.tenant') || p_account::text || p_key, 0));
    RETURN NOT EXISTS (SELECT FROM core.command_key c WHERE c.account = p_account AND c.key = p_key);
END $$;

CREATE FUNCTION core.command_answers(
    p_account uuid, p_key text, p_command text, p_digest text, p_answer text
) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO core.command_key (account, key, command, digest, answer)
    VALUES (p_account, p_key, p_command, p_digest, p_answer::jsonb);
END $$;

CREATE FUNCTION core.message_waits(p_id uuid, p_channel text, p_payload text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO core.outbox_message (id, channel, payload, status)
    VALUES (p_id, p_channel, p_payload::jsonb, 'waiting');
END $$;

CREATE FUNCTION core.changes_told(p_channel text, p_notices text[]) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    notice text;
BEGIN
    FOREACH notice IN ARRAY p_notices LOOP
        PERFORM pg_notify(p_channel, notice);
    END LOOP;
END $$;

-- A row of the audit log; what lies nowhere lies at the tenant's root, whose path is a prefix of
-- every other one.
CREATE FUNCTION core.audit_note(
    p_at timestamptz, p_actor_kind text, p_actor_id uuid, p_actor_name text, p_command text,
    p_request_id text, p_target_id uuid, p_place_path text, p_changes text
) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    IF p_place_path IS NULL THEN
        SELECT p.path INTO p_place_path FROM core.place p ORDER BY p.path LIMIT 1;
    END IF;
    RETURN core.audit_append(p_at, p_actor_kind, p_actor_id, p_actor_name, p_command,
        p_request_id, p_target_id, p_place_path, p_changes::jsonb);
END $$;

DO $$
DECLARE
    made regprocedure;
BEGIN
    FOR made IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'core'::regnamespace
        AND p.proname IN ('command_begins', 'command_claims', 'command_answers', 'message_waits',
            'changes_told', 'audit_note')
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO {app}', made);
    END LOOP;
END $$;

-- The first row of a tenant makes the head; every other one finds it.
CREATE OR REPLACE FUNCTION core.audit_append(
    p_at timestamptz, p_actor_kind text, p_actor_id uuid, p_actor_name text, p_command text,
    p_request_id text, p_target_id uuid, p_place_path text, p_changes jsonb
) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tenant uuid := current_setting('app.tenant')::uuid;
    head core.audit_head%ROWTYPE;
    next_sequence bigint;
    next_hash text;
BEGIN
    SELECT * INTO head FROM core.audit_head WHERE tenant_id = tenant FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO core.audit_head (tenant_id, id, sequence, hash)
        VALUES (tenant, tenant, 0, repeat('0', 64))
        ON CONFLICT DO NOTHING;
        SELECT * INTO STRICT head FROM core.audit_head WHERE tenant_id = tenant FOR UPDATE;
    END IF;
    next_sequence := head.sequence + 1;
    next_hash := encode(sha256(convert_to(concat_ws(E'\x1f',
        next_sequence::text,
        to_char(p_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        p_actor_kind, coalesce(p_actor_id::text, ''), p_actor_name, p_command, p_request_id,
        coalesce(p_target_id::text, ''), coalesce(p_place_path, ''), p_changes::text, head.hash
    ), 'UTF8')), 'hex');
    INSERT INTO core.audit_entry (tenant_id, id, sequence, at, actor_kind, actor_id, actor_name,
        command, request_id, target_id, place_path, changes, previous, hash)
    VALUES (tenant, core.uuid7(), next_sequence, p_at, p_actor_kind, p_actor_id, p_actor_name,
        p_command, p_request_id, p_target_id, p_place_path, p_changes, head.hash, next_hash);
    UPDATE core.audit_head SET sequence = next_sequence, hash = next_hash, updated_at = p_at
    WHERE tenant_id = tenant;
    RETURN next_sequence;
END $$;
