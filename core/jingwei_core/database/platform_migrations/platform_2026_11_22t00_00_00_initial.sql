-- The platform's own tables: the list of tenants and what is switched on for each. No row security:
-- they hold no data of a tenant's people. What the application may do with them is granted by the
-- finaliser, column by column.
CREATE SCHEMA IF NOT EXISTS core;

CREATE TABLE platform.tenant (
    id uuid PRIMARY KEY,
    slug text NOT NULL UNIQUE CHECK (slug ~ '^[a-z][a-z0-9-]{0,62}$'),
    name text NOT NULL,
    timezone text NOT NULL,
    status text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    package_version text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE platform.plugin_state (
    tenant_id uuid NOT NULL REFERENCES platform.tenant (id),
    plugin_id text NOT NULL,
    enabled boolean NOT NULL DEFAULT false,
    version text,
    settings jsonb NOT NULL DEFAULT '{}',
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, plugin_id)
);

-- Grows by one with each change of a tenant's plugins, so that a process that missed a notification
-- notices by comparing one number.
CREATE TABLE platform.plugin_epoch (
    tenant_id uuid PRIMARY KEY REFERENCES platform.tenant (id),
    epoch bigint NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL DEFAULT now()
);

CREATE FUNCTION platform.plugins_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO platform.plugin_epoch AS e (tenant_id) VALUES (NEW.tenant_id)
    ON CONFLICT (tenant_id) DO UPDATE SET epoch = e.epoch + 1, changed_at = now();
    PERFORM pg_notify('jingwei_plugins', NEW.tenant_id::text);
    RETURN NULL;
END $$;

CREATE TRIGGER plugins_changed AFTER INSERT OR UPDATE ON platform.plugin_state
FOR EACH ROW EXECUTE FUNCTION platform.plugins_changed();

CREATE FUNCTION platform.tenant_changed() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('jingwei_tenants', NEW.id::text);
    RETURN NULL;
END $$;

CREATE TRIGGER tenant_changed AFTER INSERT OR UPDATE ON platform.tenant
FOR EACH ROW EXECUTE FUNCTION platform.tenant_changed();

-- RFC 9562 version 7: 48 bits of milliseconds, then random bits. PostgreSQL has its own from 18 on.
CREATE FUNCTION core.uuid7() RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
    SELECT encode(
        set_bit(set_bit(
            overlay(uuid_send(gen_random_uuid())
                PLACING substring(int8send(floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                FROM 1 FOR 6),
            52, 1), 53, 1),
        'hex')::uuid
$$;

-- A row lies where its place lies; the path a caller sends is never trusted.
CREATE FUNCTION core.set_place_path() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.place_id IS NULL THEN
        NEW.place_path := '';
        RETURN NEW;
    END IF;
    SELECT p.path INTO NEW.place_path FROM core.place p
    WHERE p.tenant_id = NEW.tenant_id AND p.id = NEW.place_id;
    IF NOT FOUND THEN
        RAISE foreign_key_violation USING
            MESSAGE = format('place %s does not exist', NEW.place_id),
            SCHEMA = TG_TABLE_SCHEMA, TABLE = TG_TABLE_NAME, COLUMN = 'place_id';
    END IF;
    RETURN NEW;
END $$;

-- A moved place takes along every row that lies at it. As the owner, because some of those tables
-- are append-only for the application; the owner's policy still keeps to the bound tenant.
CREATE FUNCTION core.move_place_paths() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    target record;
BEGIN
    IF NOT EXISTS (
        SELECT FROM new_places n JOIN old_places o USING (tenant_id, id) WHERE n.path <> o.path
    ) THEN
        RETURN NULL;
    END IF;
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
