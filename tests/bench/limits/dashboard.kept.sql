-- The same from the counts that are kept as commands commit, and what was not folded into them yet.
SELECT json_agg(row_to_json(counts)) FROM (
    SELECT state, kind, sum(n) AS count FROM (
        SELECT d[{cube_state}] AS state, d[{cube_kind}] AS kind, n FROM core.rollup
        WHERE cube = '{cube}' AND path = :low
        UNION ALL
        SELECT d[{delta_state}], d[{delta_kind}], n FROM core.rollup_delta
        WHERE source = '{source}' AND path >= :low AND path < :high
    ) kept
    GROUP BY state, kind HAVING sum(n) <> 0
) counts;
