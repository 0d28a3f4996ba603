-- A large area: the tenant's newest rows, until enough of them lie in it.
SELECT coalesce(json_agg(row_to_json(r)), '[]') FROM (
    SELECT e.id, e.number, e.title, e.state, e.source, e.is_final AS "isFinal", e.created_at AS "createdAt",
        e.state_due_at AS "stateDueAt",
        (SELECT row_to_json(p) FROM (SELECT id, name FROM core.place WHERE id = e.place_id) p) AS place,
        (SELECT row_to_json(a) FROM (SELECT id, name FROM core.account WHERE id = e.reporter) a) AS reporter
    FROM (
        SELECT * FROM (SELECT * FROM core.event ORDER BY created_at DESC, id DESC OFFSET 0) newest
        WHERE place_path >= :low AND place_path < :high LIMIT 50
    ) e
) r;
