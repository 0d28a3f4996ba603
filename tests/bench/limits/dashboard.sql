SELECT json_agg(row_to_json(counts)) FROM (
    SELECT state, kind, count(*) AS count FROM core.event
    WHERE place_path >= :low AND place_path < :high GROUP BY state, kind
) counts;
