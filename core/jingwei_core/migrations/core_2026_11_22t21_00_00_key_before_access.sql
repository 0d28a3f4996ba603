-- The key is claimed first: whoever had to wait for another command with the same key is looked at
-- when the waiting is over, and not as it was before.
CREATE OR REPLACE FUNCTION core.command_begins(
    p_account uuid, p_epoch bigint, p_policy bigint, p_key text
) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
    IF p_key IS NOT NULL AND NOT core.command_claims(p_account, p_key) THEN
        RETURN false;
    END IF;
    -- A statement of its own, so it sees what was committed while this one waited.
    RETURN EXISTS (SELECT FROM core.account a
                    WHERE a.id = p_account AND a.status = 'active' AND a.session_epoch = p_epoch)
       AND coalesce((SELECT v.number FROM core.policy_version v), 0) = p_policy;
END $$;
