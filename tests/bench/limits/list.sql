-- A small area: the newest rows of each of its places, and the newest of those.
SELECT coalesce(json_agg(row_to_json(r)), '[]') FROM (
    SELECT e.id, e.number, e.title, e.state, e.source, e.is_final AS "isFinal", e.created_at AS "createdAt",
        e.state_due_at AS "stateDueAt",
        (SELECT row_to_json(p) FROM (SELECT id, name FROM core.place WHERE id = e.place_id) p) AS place,
        (SELECT row_to_json(a) FROM (SELECT id, name FROM core.account WHERE id = e.reporter) a) AS reporter
    FROM (
        SELECT newest.* FROM core.place area CROSS JOIN LATERAL (
            SELECT * FROM core.event WHERE place_path = area.path ORDER BY created_at DESC, id DESC LIMIT 50
        ) newest
        WHERE area.path >= :low AND area.path < :high
        ORDER BY newest.created_at DESC, newest.id DESC LIMIT 50
    ) e
) r;
