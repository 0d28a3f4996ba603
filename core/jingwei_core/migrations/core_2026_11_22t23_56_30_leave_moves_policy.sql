-- What a leave gives its substitute begins with its approval and ends with an early return: whatever is
-- remembered of anybody's access ends with each of them, as with a change of posts.
CREATE TRIGGER policy_added AFTER INSERT ON core.leave
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION core.move_policy();
CREATE TRIGGER policy_changed AFTER UPDATE ON core.leave
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION core.move_policy();
CREATE TRIGGER policy_removed AFTER DELETE ON core.leave
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION core.move_policy();
