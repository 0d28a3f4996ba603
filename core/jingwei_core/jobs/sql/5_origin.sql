-- Whose code a job runs: the package that declares it and the version that queued it. What a tenant's
-- plugin may have waiting is counted through the index; the core's own jobs are not in it.
CREATE INDEX pgqueuer_quota_idx ON jobs.pgqueuer (tenant_id, entrypoint)
    WHERE status = 'queued' AND headers ->> 'plugin' <> 'core';

CREATE FUNCTION jobs.add(
    p_tenant uuid, p_job text, p_payload bytea, p_delay interval, p_plugin text, p_version text
) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tag integer := CASE WHEN p_delay > interval '0' THEN -2147483648
        ELSE (-least(jobs.last_tag(p_tenant) + 1, 2147483647))::integer END;
    number bigint;
BEGIN
    INSERT INTO jobs.pgqueuer (priority, entrypoint, payload, execute_after, headers, status)
    VALUES (tag, p_job, p_payload, now() + p_delay, jsonb_build_object(
        'tenant', p_tenant, 'plugin', p_plugin, 'plugin_version', p_version), 'queued')
    RETURNING id INTO number;
    INSERT INTO jobs.pgqueuer_log (job_id, status, entrypoint, priority)
    VALUES (number, 'queued', p_job, tag);
    RETURN number;
END $$;

REVOKE ALL ON FUNCTION jobs.add(uuid, text, bytea, interval, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION jobs.add(uuid, text, bytea, interval, text, text) TO {app};
