-- :each events in each of the tenants :first to :last, spread over a year until yesterday, in the order in
-- which a year brings them: the tenants' rows lie between one another. Every twentieth event is whole, with ten
-- timeline entries and three photos; the others have neither. No trigger and no reference is checked here:
-- paths are those of the places, and each id is made from the same numbers as the row it points to.
SET session_replication_role = replica;
SELECT date_trunc('day', now()) - interval '1 day' AS until, :last - :first + 1 AS tenants \gset
SELECT :tenants * :each AS total \gset

CREATE TEMPORARY TABLE made AS
SELECT t.n, t.number, bench.id(1, t.n, 0) AS tenant_id, bench.id_at(t.at, t.n, t.number) AS id, t.at,
    132 + bench.some(t.i, 1, 1000) AS grid, bench.some(t.i, 2, 12) AS kind, t.number % 20 = 0 AS is_whole,
    CASE WHEN bench.some(t.i, 3, 100) < 85 THEN 'closed' ELSE
        (ARRAY['registered', 'filed', 'verified', 'dispatched', 'escalated', 'handled', 'rejected', 'cancelled'])
        [bench.some(t.i, 4, 8) + 1] END AS state
FROM (SELECT i, :first + ((i - 1) % :tenants)::int AS n, (i - 1) / :tenants + 1 AS number,
    :'until'::timestamptz - interval '365 days' * (1 - i / :total::float8) AS at FROM generate_series(1, :total) i) t;

INSERT INTO core.event (tenant_id, id, created_at, updated_at, place_id, place_path, number, kind, workflow, state,
    is_final, title, description, reporter, state_since, state_due_at, warn_at, due_at, closed_at)
SELECT m.tenant_id, m.id, m.at, m.at + interval '2 hours', bench.id(3, m.n, m.grid), node.path,
    to_char(m.at AT TIME ZONE 'Asia/Shanghai', 'YYYYMMDD-')
    || lpad(m.number::text, greatest(6, length(m.number::text)), '0'),
    bench.copy(m.n, kind.kind), bench.copy(m.n, kind.workflow), m.state, f.is_final,
    kind.name || '，' || node.name || '发现，请及时处理',
    '巡查时发现' || kind.name || '，影响居民通行，已拍照上传，请相关部门尽快到现场核实并处理。编号' || m.number,
    bench.id(4, m.n, above.number), m.at + interval '2 hours',
    CASE WHEN NOT f.is_final THEN m.at + interval '3 days' END,
    CASE WHEN NOT f.is_final THEN m.at + interval '2 days' END, m.at + interval '7 days',
    CASE WHEN f.is_final THEN m.at + interval '2 hours' END
FROM made m
JOIN bench.kind ON kind.number = m.kind
JOIN bench.node ON node.number = m.grid
JOIN bench.above ON above.grid = m.grid AND above.rank = CASE WHEN m.is_whole THEN m.number / 20 % 4 ELSE 0 END
CROSS JOIN LATERAL (SELECT m.state IN ('closed', 'rejected', 'cancelled') AS is_final) f
ORDER BY m.at;

INSERT INTO core.event_step (tenant_id, id, created_at, updated_at, event, sequence, action, from_state, to_state,
    actor, actor_name, note, at)
SELECT m.tenant_id, bench.id_at(m.at + i * interval '10 minutes', m.n, m.number * 16 + i), s.at, s.at, m.id, i,
    (ARRAY['register', 'file', 'verify', 'dispatch', 'assign', 'comment', 'comment', 'handle', 'check', 'close'])[i],
    CASE WHEN i > 1 THEN 'registered' END, 'filed', bench.id(4, m.n, m.grid), '王敏',
    '第' || i || '步：已到现场处理，情况属实', s.at
FROM made m CROSS JOIN generate_series(1, 10) i
CROSS JOIN LATERAL (SELECT m.at + i * interval '10 minutes' AS at) s
WHERE m.is_whole ORDER BY m.at, i;

INSERT INTO core.evidence (tenant_id, id, created_at, updated_at, status, owner, store_key, content_type, size_bytes,
    sha256, expires_at, committed_at, width, height, derivative_key, thumbnail_key, taken_at)
SELECT m.tenant_id, bench.id_at(m.at, m.n, m.number * 16 + i), m.at, m.at, 'committed', bench.id(4, m.n, above.number),
    'bench/' || m.n || '/' || m.number || '/' || i, 'image/jpeg', 900000 + m.number % 99999,
    md5(m.number || ' ' || i) || md5(m.n || ' ' || i), m.at, m.at, 4000, 3000,
    'view/' || m.number || '/' || i, 'thumb/' || m.number || '/' || i, m.at
FROM made m CROSS JOIN generate_series(1, 3) i
JOIN bench.above ON above.grid = m.grid AND above.rank = m.number / 20 % 4
WHERE m.is_whole ORDER BY m.at, i;
INSERT INTO core.step_evidence (tenant_id, id, created_at, updated_at, step, event, evidence, phase)
SELECT m.tenant_id, bench.id_at(m.at, m.n, m.number * 16 + i), m.at, m.at,
    bench.id_at(m.at + s.step * interval '10 minutes', m.n, m.number * 16 + s.step), m.id,
    bench.id_at(m.at, m.n, m.number * 16 + i), CASE i WHEN 3 THEN 'after' ELSE 'before' END
FROM made m CROSS JOIN generate_series(1, 3) i CROSS JOIN LATERAL (SELECT CASE i WHEN 3 THEN 8 ELSE 1 END AS step) s
WHERE m.is_whole ORDER BY m.at, i;

INSERT INTO bench.whole SELECT n, id, grid, number / 20 % 4 FROM made WHERE is_whole;
