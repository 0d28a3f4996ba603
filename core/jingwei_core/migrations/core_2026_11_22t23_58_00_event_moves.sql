-- Moves an event that was read without a lock, and appends the entry about it, if the event still is
-- what was read: of that version, at that place. p_told is what the audit log is told of both, as members
-- of a JSON array, of which the second one lacks the entry's place in the timeline; answers the whole.
CREATE FUNCTION core.event_moves(
    p_event uuid, p_version integer, p_path text, p_at timestamptz, p_state text, p_is_final boolean,
    p_department uuid, p_account uuid, p_closed_at timestamptz, p_since timestamptz,
    p_due_at timestamptz, p_warn_at timestamptz, p_found_by uuid, p_owned_by uuid,
    p_owned_department uuid, p_solved_by uuid, p_checked_by uuid, p_returns integer, p_demands text[],
    p_told text
) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
    step core.event_step;
    told jsonb := ('[' || p_told || ']')::jsonb;
BEGIN
    UPDATE core.event e
    SET state = p_state, is_final = p_is_final, assigned_department = p_department,
        assigned_account = p_account, closed_at = p_closed_at, state_since = p_since,
        state_due_at = p_due_at, warn_at = p_warn_at, found_by = p_found_by, owned_by = p_owned_by,
        owned_department = p_owned_department, solved_by = p_solved_by, checked_by = p_checked_by,
        returns = p_returns, demands = p_demands, updated_at = p_at, version = e.version + 1
    WHERE e.id = p_event AND e.version = p_version AND e.place_path = p_path;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'JW001', MESSAGE = 'the event was changed';
    END IF;
    -- The event is locked by now, and a statement of its own sees the entry of whoever held it.
    SELECT jsonb_set(told, '{1,after,sequence}', to_jsonb(coalesce(max(s.sequence), 0) + 1)) INTO told
    FROM core.event_step s WHERE s.event = p_event;
    step.tenant_id := current_setting('app.tenant')::uuid;
    step.id := told #>> '{1,id}';
    step.created_at := p_at;
    step.updated_at := p_at;
    INSERT INTO core.event_step SELECT r.* FROM jsonb_populate_record(step, told #> '{1,after}') r;
    RETURN told;
END $$;

DO $$
DECLARE
    made regprocedure;
BEGIN
    SELECT p.oid INTO STRICT made FROM pg_proc p
    WHERE p.pronamespace = 'core'::regnamespace AND p.proname = 'event_moves';
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO {app}', made);
END $$;
