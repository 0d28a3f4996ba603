-- The one way into the audit log. The application may call it and may not write the tables, so a row
-- once written stays as it is; the head is locked, so rows of a tenant follow one another.
-- The hash rule stands a second time in jingwei_core.audit.chain, which checks the chain.
CREATE FUNCTION core.audit_append(
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
    INSERT INTO core.audit_head (tenant_id, id, sequence, hash)
    VALUES (tenant, tenant, 0, repeat('0', 64))
    ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT head FROM core.audit_head WHERE tenant_id = tenant FOR UPDATE;
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

REVOKE ALL ON FUNCTION core.audit_append(
    timestamptz, text, uuid, text, text, text, uuid, text, jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.audit_append(
    timestamptz, text, uuid, text, text, text, uuid, text, jsonb) TO {app};
