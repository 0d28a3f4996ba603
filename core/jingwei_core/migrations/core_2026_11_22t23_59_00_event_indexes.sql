-- A final event has no limit of its state any more, so the order of those limits alone finds the open ones.
DROP INDEX IF EXISTS core.event_tenant_id_is_final_state_due_at_idx;
