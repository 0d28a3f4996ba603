-- The tenant's policy number moves with every change of what its people may do and of how the tenant
-- is set up. Whatever a process remembers of these is good for as long as the number is the same; the
-- number is part of the same transaction, so there is no instant at which the two differ.
CREATE FUNCTION core.move_policy() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO core.policy_version (tenant_id, number)
    SELECT DISTINCT tenant_id, 1 FROM changed ORDER BY tenant_id
    ON CONFLICT (tenant_id) DO UPDATE
        SET number = core.policy_version.number + 1, updated_at = now();
    RETURN NULL;
END $$;

-- An account changes with each sign-in; only what others rely on counts.
CREATE FUNCTION core.move_policy_of_accounts() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO core.policy_version (tenant_id, number)
    SELECT DISTINCT b.tenant_id, 1
      FROM before b JOIN changed c ON c.tenant_id = b.tenant_id AND c.id = b.id
     WHERE (b.status, b.session_epoch, b.name) IS DISTINCT FROM (c.status, c.session_epoch, c.name)
     ORDER BY b.tenant_id
    ON CONFLICT (tenant_id) DO UPDATE
        SET number = core.policy_version.number + 1, updated_at = now();
    RETURN NULL;
END $$;

DO $$
DECLARE
    moving text;
BEGIN
    FOREACH moving IN ARRAY ARRAY[
        'role', 'post', 'department',
        'workflow', 'event_kind', 'deadline_rule', 'work_calendar', 'calendar_day', 'place_level'
    ] LOOP
        EXECUTE format('CREATE TRIGGER policy_added AFTER INSERT ON core.%I'
            ' REFERENCING NEW TABLE AS changed'
            ' FOR EACH STATEMENT EXECUTE FUNCTION core.move_policy()', moving);
        EXECUTE format('CREATE TRIGGER policy_changed AFTER UPDATE ON core.%I'
            ' REFERENCING NEW TABLE AS changed'
            ' FOR EACH STATEMENT EXECUTE FUNCTION core.move_policy()', moving);
        EXECUTE format('CREATE TRIGGER policy_removed AFTER DELETE ON core.%I'
            ' REFERENCING OLD TABLE AS changed'
            ' FOR EACH STATEMENT EXECUTE FUNCTION core.move_policy()', moving);
    END LOOP;
END $$;

CREATE TRIGGER policy_changed AFTER UPDATE ON core.account
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION core.move_policy_of_accounts();
CREATE TRIGGER policy_removed AFTER DELETE ON core.account
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION core.move_policy();
