SELECT row_to_json(r) FROM (
    SELECT e.id, e.number, e.title, e.description, e.state, e.is_final AS "isFinal", e.created_at AS "createdAt",
        e.due_at AS "dueAt",
        (SELECT row_to_json(p) FROM (SELECT id, name FROM core.place WHERE id = e.place_id) p) AS place,
        (SELECT row_to_json(a) FROM (SELECT id, name FROM core.account WHERE id = e.reporter) a) AS reporter,
        (SELECT json_agg(row_to_json(s)) FROM (
            SELECT sequence, action, from_state AS "fromState", to_state AS "toState", actor_name AS "actorName", note, at
            FROM core.event_step WHERE event = e.id ORDER BY sequence LIMIT 10
        ) s) AS steps,
        (SELECT json_agg(row_to_json(x)) FROM (
            SELECT l.id, l.phase, row_to_json(v) AS evidence
            FROM (SELECT id, phase, evidence FROM core.step_evidence WHERE event = e.id ORDER BY id LIMIT 3) l
            CROSS JOIN LATERAL (
                SELECT id, content_type AS "contentType", size_bytes AS "sizeBytes", width, height
                FROM core.evidence WHERE id = l.evidence
            ) v
        ) x) AS evidence
    FROM core.event e WHERE e.id = :event AND e.place_path >= :low AND e.place_path < :high
) r;
