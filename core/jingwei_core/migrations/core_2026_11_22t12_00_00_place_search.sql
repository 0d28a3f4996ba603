-- Finding a place by a part of its name, on a tree of any size. Row security lets only leakproof
-- operators reach an index, which rules out LIKE and arrays of n-grams; the beginning of a text is
-- leakproof. So every end of a name is a term, and a part of a name is the beginning of a term.
-- Ends that lie inside a common ending (…村委会) are left out: what can only be found there is found
-- everywhere, and jingwei_core.places.search looks through the tree for it.
CREATE TABLE core.place_term (
    tenant_id uuid NOT NULL,
    term text COLLATE "C" NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (tenant_id, term, name)
);

-- The terms of a place: the ends of its name, and the words that its search text has beside the name
-- (pinyin, initials) but for the code, which has an index of its own.
CREATE FUNCTION core.place_terms(p_name text, p_search_text text, p_code text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT substr(lower(p_name), start) FROM generate_series(1, greatest(1, length(regexp_replace(
        p_name, '(社区居民委员会|社区居委会|居民委员会|村民委员会|村委会|居委会|社区|街道办事处|街道)$', '')))
    ) AS start
    UNION
    SELECT word FROM regexp_split_to_table(substr(p_search_text, length(p_name) + 2), ' ') AS word
    WHERE word <> '' AND word <> lower(coalesce(p_code, ''))
$$;

-- Terms are never taken away: a term leads to a name, and a name that no place has leads nowhere.
-- An import of a whole tree says 'later' and adds all terms at its end, in the order of their index.
CREATE FUNCTION core.keep_place_terms() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF current_setting('app.place_terms', true) = 'later' THEN
        RETURN NULL;
    END IF;
    INSERT INTO core.place_term (tenant_id, term, name)
    SELECT DISTINCT p.tenant_id, t.term, p.name
      FROM new_places p, LATERAL core.place_terms(p.name, p.search_text, p.code) AS t(term)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE TRIGGER place_terms_added AFTER INSERT ON core.place
    REFERENCING NEW TABLE AS new_places
    FOR EACH STATEMENT EXECUTE FUNCTION core.keep_place_terms();
CREATE TRIGGER place_terms_changed AFTER UPDATE ON core.place
    REFERENCING NEW TABLE AS new_places
    FOR EACH STATEMENT EXECUTE FUNCTION core.keep_place_terms();

INSERT INTO core.place_term (tenant_id, term, name)
SELECT DISTINCT p.tenant_id, t.term, p.name
  FROM core.place p, LATERAL core.place_terms(p.name, p.search_text, p.code) AS t(term);

-- Whether a GeoJSON Polygon or MultiPolygon holds a point; its edge belongs to it. Everything is
-- scaled to 1e-7 degree: the server's own comparison of points forgives a millionth of its unit.
CREATE FUNCTION core.shape_covers(p_geometry jsonb, p_lon_e7 bigint, p_lat_e7 bigint)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(bool_or(p.covered), false) FROM (
        SELECT bool_and(CASE WHEN r.number = 1 THEN r.ring @> here.at
                             ELSE NOT r.ring @> here.at OR here.at <@ popen(path(r.ring)) END) AS covered
          FROM (SELECT point(p_lon_e7, p_lat_e7) AS at) AS here,
               LATERAL jsonb_array_elements(CASE p_geometry ->> 'type'
                   WHEN 'Polygon' THEN jsonb_build_array(p_geometry -> 'coordinates')
                   ELSE p_geometry -> 'coordinates' END) WITH ORDINALITY AS part(rings, number),
               LATERAL (
                   SELECT ring.number, (
                       SELECT ('(' || string_agg('(' || round((c ->> 0)::numeric * 10000000) || ','
                           || round((c ->> 1)::numeric * 10000000) || ')', ',') || ')')::polygon
                         FROM jsonb_array_elements(ring.corners) AS c) AS ring
                     FROM jsonb_array_elements(part.rings)
                          WITH ORDINALITY AS ring(corners, number)) AS r
         GROUP BY part.number) AS p
$$;
