-- Whoever keeps what an account may do for longer than a request (a subscription) is told when the
-- tenant's policy number moves. Of one transaction the server sends equal notices once.
CREATE FUNCTION core.tell_policy_moved() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('jingwei_changes',
        json_build_object('tenant', NEW.tenant_id, 'policy', true)::text);
    RETURN NULL;
END $$;

CREATE TRIGGER policy_told AFTER INSERT OR UPDATE ON core.policy_version
    FOR EACH ROW EXECUTE FUNCTION core.tell_policy_moved();
