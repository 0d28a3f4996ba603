-- {app} enqueues, claims and finishes; it neither changes the structure nor empties a table.
GRANT USAGE ON SCHEMA jobs TO {app};
GRANT SELECT, INSERT, UPDATE, DELETE ON jobs.pgqueuer TO {app};
GRANT USAGE ON SEQUENCE jobs.pgqueuer_id_seq TO {app};
-- DELETE: old entries of the log are removed after the days that the worker keeps them.
GRANT SELECT, INSERT, DELETE ON jobs.pgqueuer_log TO {app};
GRANT SELECT, UPDATE ON jobs.virtual_time TO {app};
GRANT SELECT, INSERT, UPDATE ON jobs.tick TO {app};
REVOKE EXECUTE ON FUNCTION jobs.last_tag(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION jobs.last_tag(uuid) TO {app};
-- Read only, because pgqueuer looks for these tables when a worker starts; nothing writes them.
GRANT SELECT ON jobs.pgqueuer_statistics, jobs.pgqueuer_schedules TO {app};
