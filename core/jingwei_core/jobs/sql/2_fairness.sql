-- What Jingwei adds to pgqueuer's tables. The queue stands outside row security: it holds the id of
-- the tenant and ids of rows, never personal data; the job reads the rows inside the tenant's unit.

ALTER TABLE jobs.pgqueuer
    ADD COLUMN tenant_id uuid NOT NULL GENERATED ALWAYS AS ((headers ->> 'tenant')::uuid) STORED,
    ADD CONSTRAINT pgqueuer_payload_size CHECK (octet_length(payload) <= 4096);

-- The last tag of a tenant's lane: the lowest priority among its queued jobs.
CREATE INDEX pgqueuer_lane_idx ON jobs.pgqueuer (tenant_id, priority)
    WHERE status = 'queued' AND priority > -2147483648;

-- Jobs that wait for their time have the lowest priority; they get a tag when they are due.
CREATE INDEX pgqueuer_waiting_idx ON jobs.pgqueuer (execute_after)
    WHERE status = 'queued' AND priority = -2147483648;

CREATE INDEX pgqueuer_parked_idx ON jobs.pgqueuer (tenant_id, entrypoint)
    WHERE status = 'failed' AND headers ? 'parked';

CREATE INDEX pgqueuer_tenant_idx ON jobs.pgqueuer (tenant_id, id);

-- Virtual time: the highest tag that was ever taken to work. Written by workers only, so that
-- transactions that enqueue never wait for one another.
CREATE TABLE jobs.virtual_time (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    tag bigint NOT NULL DEFAULT 0
);

INSERT INTO jobs.virtual_time DEFAULT VALUES;

-- The last tick of a schedule that was enqueued; a new expression is a new row.
CREATE TABLE jobs.tick (
    tenant_id uuid NOT NULL,
    job text NOT NULL,
    schedule text NOT NULL,
    ticked_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, job, schedule)
);

CREATE FUNCTION jobs.last_tag(lane uuid) RETURNS bigint
LANGUAGE sql STABLE
RETURN greatest(
    (SELECT tag FROM jobs.virtual_time),
    (SELECT -priority::bigint FROM jobs.pgqueuer
      WHERE tenant_id = lane AND status = 'queued' AND priority > -2147483648
      ORDER BY priority LIMIT 1)
);
