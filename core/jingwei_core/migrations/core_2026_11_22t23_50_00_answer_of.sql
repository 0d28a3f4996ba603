-- Answers of a read that the session has prepared under this name, as the transaction sees the rows by
-- now: what the statement has written that this is called from, too, since each statement of a volatile
-- function takes a snapshot of its own. Null when the read fails: whoever asked reads again by itself,
-- and what was written stands. Cancelling and the statement timeout end the whole.
--
-- The read keeps its plan. Its values come as texts, in the order of its parameters; what the caller may
-- read is said by the read, which runs with the caller's rights.
CREATE FUNCTION core.answer_of(p_read text, p_values text[]) RETURNS bytea
LANGUAGE plpgsql SET plan_cache_mode = force_generic_plan SET jit = off AS $$
DECLARE
    given text;
    said text := '';
    answer bytea;
BEGIN
    FOREACH given IN ARRAY p_values LOOP
        said := said || ', ' || quote_nullable(given);
    END LOOP;
    EXECUTE 'EXECUTE ' || quote_ident(p_read) || ' (' || substr(said, 3) || ')' INTO answer;
    RETURN answer;
EXCEPTION WHEN OTHERS THEN
    RETURN NULL;
END $$;

REVOKE ALL ON FUNCTION core.answer_of(text, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.answer_of(text, text[]) TO {app};
