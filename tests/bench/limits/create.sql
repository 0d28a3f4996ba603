WITH made AS (
    INSERT INTO core.event (number, kind, workflow, state, title, description, place_id, reporter, state_since, due_at)
    VALUES ('limit-' || gen_random_uuid(), :kind, :workflow, 'registered', '占道堆物，请及时处理', '巡查时发现，已拍照上传',
        :place, :account, now(), now() + interval '7 days')
    RETURNING id, number, state, created_at, place_id
), entry AS (
    INSERT INTO core.event_step (event, sequence, action, to_state, actor, actor_name, note, at)
    SELECT id, 1, 'register', state, :account, '王敏', '巡查时发现，已拍照上传', now() FROM made
)
SELECT json_build_object('id', made.id, 'number', made.number, 'state', made.state, 'createdAt', made.created_at,
    'place', json_build_object('id', p.id, 'name', p.name))
FROM made JOIN core.place p ON p.id = made.place_id;
