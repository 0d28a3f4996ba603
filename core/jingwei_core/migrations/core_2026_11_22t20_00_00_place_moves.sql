-- Rows that are written at a place, and a place that moves, wait for one another: otherwise a row
-- written beside the move would keep the old path for good. Rows do not wait for rows.

CREATE OR REPLACE FUNCTION core.set_place_path() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.place_id IS NULL THEN
        NEW.place_path := '';
        RETURN NEW;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(
        hashtextextended('jingwei.place-paths.' || NEW.tenant_id::text, 0));
    -- A statement of its own, so it sees what a move has committed while this one waited.
    SELECT p.path INTO NEW.place_path FROM core.place p
    WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.place_id;
    IF NOT FOUND THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('place %s does not exist', NEW.place_id),
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'place_id';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION core.move_place_paths() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    moved uuid[] := ARRAY(
        SELECT DISTINCT n.tenant_id FROM new_places n JOIN old_places o USING (tenant_id, id)
        WHERE n.path <> o.path ORDER BY 1);
    each uuid;
    target record;
BEGIN
    IF moved = '{}' THEN
        RETURN NULL;
    END IF;
    FOREACH each IN ARRAY moved LOOP
        PERFORM pg_advisory_xact_lock(hashtextextended('jingwei.place-paths.' || each::text, 0));
    END LOOP;
    FOR target IN
        SELECT s.nspname, c.relname FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
        AND 3 = (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid
            AND NOT a.attisdropped AND a.attname IN ('tenant_id', 'place_id', 'place_path'))
    LOOP
        EXECUTE format(
            'UPDATE %I.%I t SET place_path = n.path'
            ' FROM new_places n JOIN old_places o USING (tenant_id, id)'
            ' WHERE n.path <> o.path AND t.tenant_id = n.tenant_id AND t.place_id = n.id',
            target.nspname, target.relname);
    END LOOP;
    RETURN NULL;
END $$;
