-- Tenants :first to :last: what the source tenant is configured with, a tree of places, an account with a post
-- in each city, street, community and grid. Needs: functions.sql, the source tenant.
CREATE TEMPORARY TABLE made AS SELECT n, bench.id(1, n, 0) AS tenant_id FROM generate_series(:first, :last) n;
SELECT id AS source FROM platform.tenant WHERE slug = 'yichang' \gset

INSERT INTO platform.tenant (id, slug, name, timezone, package_version)
SELECT tenant_id, 'bench-' || n, '测试' || n, 'Asia/Shanghai', '1' FROM made;
INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled, version, settings)
SELECT made.tenant_id, p.plugin_id, p.enabled, p.version, p.settings
FROM platform.plugin_state p, made WHERE p.tenant_id = :'source';

INSERT INTO core.place_level (tenant_id, id, code, rank, name_zh, name_en, is_capture_unit)
SELECT made.tenant_id, bench.copy(n, id), code, rank, name_zh, name_en, is_capture_unit
FROM core.place_level s, made WHERE s.tenant_id = :'source';
INSERT INTO core.department (tenant_id, id, code, name, name_en, parent)
SELECT made.tenant_id, bench.copy(n, id), code, name, name_en, bench.copy(n, parent)
FROM core.department s, made WHERE s.tenant_id = :'source';
INSERT INTO core.role (tenant_id, id, code, name, name_en, permissions)
SELECT made.tenant_id, bench.copy(n, id), code, name, name_en, permissions
FROM core.role s, made WHERE s.tenant_id = :'source';
INSERT INTO core.role (tenant_id, id, code, name, permissions)
SELECT tenant_id, bench.id(2, n, 0), 'bench', '测试',
    '{place.read,staff.read,department.read,kind.read,event.read,event.report,evidence.read}' FROM made;
INSERT INTO core.workflow (tenant_id, id, code, number, digest, definition, is_current)
SELECT made.tenant_id, bench.copy(n, id), code, number, digest, definition, is_current
FROM core.workflow s, made WHERE s.tenant_id = :'source';
INSERT INTO core.deadline_rule (tenant_id, id, profile, state, amount, unit, warn_at_percent, source)
SELECT made.tenant_id, bench.copy(n, id), profile, state, amount, unit, warn_at_percent, source
FROM core.deadline_rule s, made WHERE s.tenant_id = :'source';
INSERT INTO core.work_calendar (tenant_id, id, code, definition)
SELECT made.tenant_id, bench.copy(n, id), code, definition
FROM core.work_calendar s, made WHERE s.tenant_id = :'source';
INSERT INTO core.calendar_day (tenant_id, id, day, is_working, name)
SELECT made.tenant_id, bench.copy(n, id), day, is_working, name
FROM core.calendar_day s, made WHERE s.tenant_id = :'source';
INSERT INTO core.event_kind (tenant_id, id, code, parent, rank, name, name_en, department, workflow,
    deadline_profile, form_schema, photo_required, grade, owner_plugin, is_active)
SELECT made.tenant_id, bench.copy(n, id), code, bench.copy(n, parent), rank, name, name_en,
    bench.copy(n, department), workflow, deadline_profile, form_schema, photo_required, grade, owner_plugin, is_active
FROM core.event_kind s, made WHERE s.tenant_id = :'source';

INSERT INTO core.place (tenant_id, id, parent, level, ordinal, path, depth, name, search_text, code, source, valid_from)
SELECT tenant_id, bench.id(3, n, node.number), bench.id(3, n, node.parent), node.level, node.number, node.path,
    node.depth, node.name, node.name, lpad(node.number::text, 12, '0'), 'generated', '2024-01-01'
FROM made, bench.node ORDER BY n, node.number;
INSERT INTO core.account (tenant_id, id, login, name)
SELECT tenant_id, bench.id(4, n, number), level || number,
    substr('赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许', bench.some(number, n, 20) + 1, 1)
    || substr('伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚', bench.some(number, n + 7, 20) + 1, 1)
FROM made, bench.node WHERE level <> 'district' ORDER BY n, number;
INSERT INTO core.post (tenant_id, id, account, place_id, place_path, role, is_primary, valid_from)
SELECT tenant_id, bench.id(5, n, number), bench.id(4, n, number), bench.id(3, n, number), path,
    bench.id(2, n, 0), true, '2024-01-01'
FROM made, bench.node WHERE level <> 'district' ORDER BY n, number;

-- Who leads an event on: in each community its chief; in each street an operator of the centre, a handler in the
-- department of the kind that is reported, and a checker. Each role is the source tenant's.
CREATE TEMPORARY TABLE staffed AS
SELECT made.*, number, path, s.at, s.role FROM made, bench.node JOIN (VALUES
    (0, 'community', 'community_chief'), (1, 'street', 'centre_operator'), (2, 'street', 'department_handler'),
    (3, 'street', 'checker')) s (at, level, role) USING (level);
INSERT INTO core.account (tenant_id, id, login, name)
SELECT tenant_id, bench.id(6, n, number * 4 + at), role || number, '李敏' FROM staffed ORDER BY n, number, at;
INSERT INTO core.post (tenant_id, id, account, place_id, place_path, role, department, is_primary, valid_from)
SELECT t.tenant_id, bench.id(7, n, number * 4 + at), bench.id(6, n, number * 4 + at), bench.id(3, n, number), path,
    bench.copy(n, s.id), CASE t.role WHEN 'department_handler' THEN
        (SELECT bench.copy(n, k.department) FROM bench.kind k WHERE k.number = 3) END, true, '2024-01-01'
FROM staffed t JOIN core.role s ON s.tenant_id = :'source' AND s.code = t.role ORDER BY n, number, at;
