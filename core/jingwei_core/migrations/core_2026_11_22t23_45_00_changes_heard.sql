-- NOTIFY makes commits wait for one another, and most of the time nobody listens: so whoever does holds
-- the advisory lock p_presence shared, for the whole session, from before its LISTEN. Here the lock is
-- tried alone and given back at once. Another transaction that tries just then is taken for a listener,
-- which costs a notice that nobody needs.
--
-- To be said last in a transaction: a listener that comes after the look waits for those transactions
-- that run when it comes (jingwei_core.database.listener), and it does not wait for ever.
CREATE FUNCTION core.changes_told_if_heard(p_presence bigint, p_channel text, p_notices text[])
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    -- Before the look, so that whoever comes after it finds this transaction among those that run.
    number xid8 := pg_current_xact_id();
    -- One expression, which a cancellation cannot part: the lock would outlive the transaction.
    is_alone boolean := CASE WHEN pg_try_advisory_lock(p_presence)
        THEN pg_advisory_unlock(p_presence) ELSE false END;
    sent text;
BEGIN
    IF NOT is_alone THEN
        sent := core.changes_told(p_channel, p_notices);
    END IF;
END $$;

REVOKE ALL ON FUNCTION core.changes_told_if_heard(bigint, text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.changes_told_if_heard(bigint, text, text[]) TO {app};
