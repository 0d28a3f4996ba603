-- Everything that the platform stores for a report, in one statement: number, event, entry, key, audit. As there, the
-- notice is sent only while somebody listens, which is seen by the lock of jingwei_core.signals.CHANGES_PRESENCE.
WITH counter AS (
    INSERT INTO core.event_number (day, last) VALUES (current_date, 1)
    ON CONFLICT (tenant_id, day) DO UPDATE SET last = core.event_number.last + 1 RETURNING last
), made AS (
    INSERT INTO core.event (number, kind, workflow, state, title, description, place_id, reporter, state_since, due_at)
    SELECT 'limit-' || to_char(now(), 'YYYYMMDD-') || last, :kind, :workflow, 'registered', '占道堆物，请及时处理',
        '巡查时发现，已拍照上传', :place, :account, now(), now() + interval '7 days'
    FROM counter
    RETURNING id, number, state, created_at, place_id, place_path
), entry AS (
    INSERT INTO core.event_step (event, sequence, action, to_state, actor, actor_name, note, at)
    SELECT id, 1, 'register', state, :account, '王敏', '巡查时发现，已拍照上传', now() FROM made
), kept AS (
    INSERT INTO core.command_key (account, key, command, digest, answer)
    SELECT :account, gen_random_uuid(), 'event.report', repeat('0', 64), jsonb_build_object('id', id) FROM made
)
SELECT json_build_object('id', made.id, 'number', made.number, 'state', made.state, 'createdAt', made.created_at,
    'place', json_build_object('id', p.id, 'name', p.name)),
    core.audit_append(now(), 'account', :account, '王敏', 'event.report', 'bench', made.id, made.place_path,
        '[{"table": "core.event"}]'),
    CASE WHEN pg_try_advisory_lock(7671650408059987059) THEN pg_advisory_unlock(7671650408059987059)::text
        ELSE pg_notify('jingwei_bench', made.id::text)::text END
FROM made JOIN core.place p ON p.id = made.place_id;
