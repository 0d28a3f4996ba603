-- What the life cycle of plugins keeps: versions of settings and data, sealed settings, plugins of
-- the whole deployment, how the hooks of a plugin fared, and why a plugin is off.

-- settings_version: the number that the plugin's settings class had when the settings were stored.
-- data_version: the version of the plugin that the tenant's rows were last brought to.
-- progress: where an upgrade that was interrupted goes on, by the version that it starts from.
-- sealed: settings marked secret, by name, each encrypted for this tenant, plugin and name alone.
ALTER TABLE platform.plugin_state
    ADD COLUMN settings_version integer NOT NULL DEFAULT 1 CHECK (settings_version > 0),
    ADD COLUMN data_version text,
    ADD COLUMN progress jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(progress) = 'object'),
    ADD COLUMN sealed jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(sealed) = 'object');

-- A plugin that is on for every tenant.
CREATE TABLE platform.plugin_deployment (
    plugin_id text PRIMARY KEY,
    enabled boolean NOT NULL DEFAULT false,
    version text,
    settings jsonb NOT NULL DEFAULT '{}',
    settings_version integer NOT NULL DEFAULT 1 CHECK (settings_version > 0),
    sealed jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(sealed) = 'object'),
    changed_at timestamptz NOT NULL DEFAULT now()
);

-- Counted in memory and added in batches, never with each call. Of an error only its type: a text
-- of a stranger's code may quote a person.
CREATE TABLE platform.plugin_outcome (
    tenant_id uuid NOT NULL REFERENCES platform.tenant (id),
    plugin_id text NOT NULL,
    hook text NOT NULL,
    succeeded bigint NOT NULL DEFAULT 0,
    failed bigint NOT NULL DEFAULT 0,
    timed_out bigint NOT NULL DEFAULT 0,
    total_us bigint NOT NULL DEFAULT 0,
    last_error text NOT NULL DEFAULT '',
    last_at timestamptz NOT NULL DEFAULT now(),
    opened_until timestamptz,
    PRIMARY KEY (tenant_id, plugin_id, hook)
);

-- detail holds what the stage needs to go on, such as the last deny list that could be read.
CREATE TABLE platform.plugin_fault (
    plugin_id text NOT NULL,
    stage text NOT NULL CHECK (stage IN ('migration', 'deny', 'load')),
    reason text NOT NULL,
    link text NOT NULL DEFAULT '',
    detail jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(detail) = 'object'),
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plugin_id, stage)
);

-- The notification says "<tenant> <epoch>".
CREATE OR REPLACE FUNCTION platform.plugins_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    tenant uuid;
    reached bigint;
BEGIN
    tenant := CASE WHEN TG_OP = 'DELETE' THEN OLD.tenant_id ELSE NEW.tenant_id END;
    INSERT INTO platform.plugin_epoch AS e (tenant_id) VALUES (tenant)
    ON CONFLICT (tenant_id) DO UPDATE SET epoch = e.epoch + 1, changed_at = now()
    RETURNING e.epoch INTO reached;
    PERFORM pg_notify('jingwei_plugins', tenant || ' ' || reached);
    RETURN NULL;
END $$;

DROP TRIGGER plugins_changed ON platform.plugin_state;
CREATE TRIGGER plugins_changed AFTER INSERT OR DELETE
    OR UPDATE OF enabled, version, settings, settings_version, data_version, sealed
ON platform.plugin_state FOR EACH ROW EXECUTE FUNCTION platform.plugins_changed();

-- One notification for each tenant, as if each had switched the plugin by itself.
CREATE FUNCTION platform.deployment_changed() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    changed record;
BEGIN
    FOR changed IN
        INSERT INTO platform.plugin_epoch AS e (tenant_id)
        SELECT t.id FROM platform.tenant t ORDER BY t.id
        ON CONFLICT (tenant_id) DO UPDATE SET epoch = e.epoch + 1, changed_at = now()
        RETURNING e.tenant_id, e.epoch
    LOOP
        PERFORM pg_notify('jingwei_plugins', changed.tenant_id || ' ' || changed.epoch);
    END LOOP;
    RETURN NULL;
END $$;

CREATE TRIGGER deployment_changed AFTER INSERT OR UPDATE OR DELETE ON platform.plugin_deployment
FOR EACH STATEMENT EXECUTE FUNCTION platform.deployment_changed();
