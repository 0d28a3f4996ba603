-- Every table of the schemas in $1, as one row of plain values and JSON texts.
WITH t AS (
    SELECT c.oid, n.nspname, c.relname, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
    AND n.nspname = ANY($1::text[])
), names AS (
    SELECT a.attrelid, a.attnum, a.attname::text, format_type(a.atttypid, a.atttypmod) AS type,
        coalesce((SELECT l.collname::text FROM pg_collation l WHERE l.oid = a.attcollation), '') AS sorting
    FROM pg_attribute a JOIN t ON t.oid = a.attrelid WHERE a.attnum > 0 AND NOT a.attisdropped
)
SELECT t.nspname::text AS schema, t.relname::text AS name, pg_get_userbyid(t.relowner)::text AS owner,
    t.relrowsecurity AS row_security, t.relforcerowsecurity AS forced,
    (SELECT jsonb_object_agg(attname, type ORDER BY attnum) FROM names WHERE attrelid = t.oid)::text AS columns,
    (SELECT jsonb_object_agg(attname, sorting) FROM names WHERE attrelid = t.oid)::text AS collations,
    (SELECT jsonb_agg(jsonb_build_object(
        'name', k.conname, 'kind', k.contype, 'on_delete', k.confdeltype,
        'columns', (SELECT jsonb_agg(m.attname ORDER BY u.i) FROM unnest(k.conkey) WITH ORDINALITY u(n, i)
            JOIN names m ON m.attrelid = t.oid AND m.attnum = u.n),
        'target', CASE WHEN k.confrelid <> 0 THEN (SELECT jsonb_build_array(fn.nspname, fc.relname)
            FROM pg_class fc JOIN pg_namespace fn ON fn.oid = fc.relnamespace WHERE fc.oid = k.confrelid) END,
        'target_columns', (SELECT jsonb_agg(a.attname ORDER BY u.i) FROM unnest(k.confkey) WITH ORDINALITY u(n, i)
            JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.n)))
        FROM pg_constraint k WHERE k.conrelid = t.oid AND k.contype IN ('p', 'f', 'c'))::text AS constraints,
    (SELECT jsonb_agg(jsonb_build_object('name', p.polname, 'command', p.polcmd,
        'roles', (SELECT jsonb_agg(CASE r WHEN 0 THEN 'public' ELSE pg_get_userbyid(r)::text END) FROM unnest(p.polroles) r),
        'using', btrim(regexp_replace(pg_get_expr(p.polqual, p.polrelid), '\s+', ' ', 'g')),
        'check', btrim(regexp_replace(pg_get_expr(p.polwithcheck, p.polrelid), '\s+', ' ', 'g'))))
        FROM pg_policy p WHERE p.polrelid = t.oid)::text AS policies,
    (SELECT jsonb_agg(jsonb_build_object('unique', x.indisunique, 'name', i.relname, 'plain',
        x.indexprs IS NULL AND NOT x.indisunique AND w.amname = 'btree', 'columns',
        (SELECT coalesce(jsonb_agg(m.attname ORDER BY u.i), '[]') FROM unnest(x.indkey::int2[])
            WITH ORDINALITY u(n, i) JOIN names m ON m.attrelid = t.oid AND m.attnum = u.n)))
        FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_am w ON w.oid = i.relam
        WHERE x.indrelid = t.oid AND x.indpred IS NULL)::text AS indexes,
    -- Those without the rows in which the column behind the tenant is null.
    (SELECT jsonb_agg(c.columns) FROM pg_index x CROSS JOIN LATERAL (
            SELECT jsonb_agg(m.attname ORDER BY u.i) AS columns FROM unnest(x.indkey::int2[])
                WITH ORDINALITY u(n, i) JOIN names m ON m.attrelid = t.oid AND m.attnum = u.n) c
        WHERE x.indrelid = t.oid AND NOT x.indisunique AND x.indexprs IS NULL
        AND pg_get_expr(x.indpred, t.oid) = format('(%I IS NOT NULL)', coalesce(c.columns ->> 1, '')))::text AS partial_indexes,
    (SELECT jsonb_agg(tgname) FROM pg_trigger g WHERE g.tgrelid = t.oid AND NOT g.tgisinternal)::text AS triggers,
    (SELECT jsonb_agg(DISTINCT jsonb_build_array(
        CASE x.grantee WHEN 0 THEN 'public' ELSE pg_get_userbyid(x.grantee)::text END, x.privilege_type))
        FROM aclexplode(coalesce(t.relacl, acldefault('r', t.relowner))) x)::text AS grants
FROM t ORDER BY 1, 2
