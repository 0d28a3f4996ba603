-- What the tenant's package states of limits on calls; the deployment's settings hold for the rest.
ALTER TABLE platform.tenant ADD COLUMN limits jsonb NOT NULL DEFAULT '{}'
    CHECK (jsonb_typeof(limits) = 'object');
