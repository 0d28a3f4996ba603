-- One job, as the statement that adds several would add it: tagged behind the last one of its
-- tenant's lane, or waiting for its time, and logged. For the closing message of a command.
CREATE FUNCTION jobs.add(
    p_tenant uuid, p_job text, p_payload bytea, p_delay interval
) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tag integer := CASE WHEN p_delay > interval '0' THEN -2147483648
        ELSE (-least(jobs.last_tag(p_tenant) + 1, 2147483647))::integer END;
    number bigint;
BEGIN
    INSERT INTO jobs.pgqueuer (priority, entrypoint, payload, execute_after, headers, status)
    VALUES (tag, p_job, p_payload, now() + p_delay, jsonb_build_object('tenant', p_tenant), 'queued')
    RETURNING id INTO number;
    INSERT INTO jobs.pgqueuer_log (job_id, status, entrypoint, priority)
    VALUES (number, 'queued', p_job, tag);
    RETURN number;
END $$;

REVOKE ALL ON FUNCTION jobs.add(uuid, text, bytea, interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION jobs.add(uuid, text, bytea, interval) TO {app};
