-- Routes and handling types are part of the configuration that is remembered under the policy number.
DO $$
DECLARE
    moving text;
BEGIN
    FOREACH moving IN ARRAY ARRAY['event_route', 'handling_rule'] LOOP
        EXECUTE format('CREATE TRIGGER policy_added AFTER INSERT ON core.%I REFERENCING NEW TABLE AS changed'
            ' FOR EACH STATEMENT EXECUTE FUNCTION core.move_policy()', moving);
        EXECUTE format('CREATE TRIGGER policy_changed AFTER UPDATE ON core.%I REFERENCING NEW TABLE AS changed'
            ' FOR EACH STATEMENT EXECUTE FUNCTION core.move_policy()', moving);
        EXECUTE format('CREATE TRIGGER policy_removed AFTER DELETE ON core.%I REFERENCING OLD TABLE AS changed'
            ' FOR EACH STATEMENT EXECUTE FUNCTION core.move_policy()', moving);
    END LOOP;
END;
$$;
-- The scan for reports of events that ended in another one looks at those only whose reporter waits to hear.
CREATE INDEX event_merge_untold ON core.event_merge (tenant_id, into_event) WHERE told_at IS NULL;
