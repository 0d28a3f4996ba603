-- The deltas come and go all day. Plans are kept, and one made while the table has no page at all
-- scans it: a reader would go through the deltas of every tenant once they come back. So the room
-- that was needed once stays with the table, for the next deltas.
ALTER TABLE core.rollup_delta SET (vacuum_truncate = off);
