"""What a plugin leaves in the database besides its own schema (插件遗留), part by part.

Each part is counted for the plan and taken away by the removal with the same condition, so the two
cannot disagree. ``$1`` is the plugin's id, ``$2`` its permission codes, ``$3`` the names of its
jobs.
"""

from dataclasses import dataclass

_JOBS = (
    "(headers ->> 'plugin' = $1 OR entrypoint = ANY($3) OR entrypoint ^@ ($1 || '.')"
    " OR CASE WHEN entrypoint = 'core.event-consumer'"
    " THEN convert_from(payload, 'UTF8')::jsonb ->> 'consumer' ^@ ($1 || ':') ELSE false END"
    # The core's jobs in which a plugin reacts or delivers say in their payload whose code they run.
    " OR CASE WHEN entrypoint ^@ 'core.plugin-' OR entrypoint = 'core.outbox-deliver'"
    " THEN convert_from(payload, 'UTF8')::jsonb ->> 'plugin' = $1 ELSE false END)"
)
_UNSENT = (
    "t.status = 'waiting' AND t.id IN (SELECT"
    " CASE WHEN q.entrypoint = 'core.outbox-deliver'"
    " AND convert_from(q.payload, 'UTF8')::jsonb ->> 'plugin' = $1"
    " THEN (convert_from(q.payload, 'UTF8')::jsonb ->> 'message')::uuid END FROM jobs.pgqueuer q)"
)
_GIVEN_UP = "status = 'failed', last_error = 'PLUGIN_REMOVED', version = version + 1"
# What happened stays true when its teller is gone: whoever was promised a message gets it. It is
# awaited until its delivery has told the consumers, and until the last of them has had its turn.
_TOLD = "t.channel = 'plugin-events' AND t.payload ->> 'source' = $1"
_AWAITED = (
    "(t.status = 'waiting' OR t.id IN (SELECT"
    " CASE WHEN q.entrypoint = 'core.event-consumer'"
    " AND NOT convert_from(q.payload, 'UTF8')::jsonb ->> 'consumer' ^@ ($1 || ':')"
    " THEN (convert_from(q.payload, 'UTF8')::jsonb ->> 'event')::uuid END FROM jobs.pgqueuer q))"
)
_UNUSED_KIND = (
    "owner_plugin = $1"
    " AND NOT EXISTS (SELECT FROM core.event e WHERE (e.tenant_id, e.kind) = (t.tenant_id, t.id))"
    " AND NOT EXISTS (SELECT FROM core.event_kind c"
    " WHERE (c.tenant_id, c.parent) = (t.tenant_id, t.id))"
)
_UNUSED_WORKFLOW = (
    "owner_plugin = $1 AND NOT EXISTS"
    " (SELECT FROM core.event e WHERE (e.tenant_id, e.workflow) = (t.tenant_id, t.id))"
)
_UNHELD = (
    "owner_plugin = $1 AND NOT EXISTS"
    " (SELECT FROM core.post p WHERE (p.tenant_id, p.role) = (t.tenant_id, t.id))"
)
_HELD = f"NOT ({_UNHELD})"
_USED_KIND = f"owner_plugin = $1 AND NOT ({_UNUSED_KIND})"
_USED_WORKFLOW = f"owner_plugin = $1 AND NOT ({_UNUSED_WORKFLOW})"
_STRIPPED = (
    "permissions = ARRAY(SELECT p FROM unnest(permissions) p WHERE NOT p = ANY($2)),"
    " version = version + 1, updated_at = now()"
)


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one table; without ``becomes`` they are deleted, else kept and changed so."""

    name: str
    table: str
    where: str
    becomes: str = ""

    @property
    def counting(self) -> str:
        """How many rows by tenant: ``slug`` (empty where rows are nobody's) and ``count``."""
        return (
            "SELECT coalesce(n.slug, '') AS slug, count(*) AS count"
            f" FROM {self.table} t LEFT JOIN platform.tenant n ON {self._tenant}"
            f" WHERE {_USED} AND {self.where} GROUP BY 1 ORDER BY 1"
        )

    @property
    def removing(self) -> str:
        """The statement that takes them away."""
        if self.becomes:
            return f"UPDATE {self.table} t SET {self.becomes} WHERE {_USED} AND {self.where}"
        return f"DELETE FROM {self.table} t WHERE {_USED} AND {self.where}"

    @property
    def _tenant(self) -> str:
        return "n.id = t.tenant_id" if self.table not in _OF_NOBODY else "false"


# Every statement takes the same three parameters, whether it needs them or not.
_USED = "num_nonnulls($1::text, $2::text[], $3::text[]) = 3"
_OF_NOBODY = ("platform.plugin_deployment", "platform.plugin_fault", "platform.migration")

PARTS = (
    # A role that nobody holds goes. One that is held loses its permissions and stays the plugin's,
    # so that it has them again when the plugin is installed and enabled anew.
    Part("roles", "core.role", _UNHELD),
    Part("roles_kept", "core.role", f"owner_plugin = $1 AND {_HELD}", _STRIPPED),
    Part("grants", "core.role", "permissions && $2 AND owner_plugin <> $1", _STRIPPED),
    Part("kinds", "core.event_kind", _UNUSED_KIND),
    Part("kinds_kept", "core.event_kind", _USED_KIND, "is_active = false"),
    Part("workflows", "core.workflow", _UNUSED_WORKFLOW),
    Part("workflows_kept", "core.workflow", _USED_WORKFLOW, "is_current = false"),
    Part("deadlines", "core.deadline_rule", "owner_plugin = $1"),
    Part("consumed", "core.consumed", "(consumer ^@ ($1 || ':') OR consumer ^@ ($1 || '.'))"),
    Part("reminders", "core.reminder", "code ^@ ($1 || '.')"),
    # Its jobs say which messages wait for its channels: before the jobs.
    Part("unsent", "core.outbox_message", _UNSENT, _GIVEN_UP),
    Part("events", "core.outbox_message", f"{_TOLD} AND NOT coalesce({_AWAITED}, false)"),
    Part("events_kept", "core.outbox_message", f"{_TOLD} AND {_AWAITED}", "updated_at = now()"),
    Part("jobs", "jobs.pgqueuer", _JOBS),
    Part("schedules", "jobs.tick", "(job = ANY($3) OR job ^@ ($1 || '.'))"),
    Part("outcomes", "platform.plugin_outcome", "plugin_id = $1"),
    Part("faults", "platform.plugin_fault", "plugin_id = $1 AND stage <> 'deny'"),
    Part("states", "platform.plugin_state", "plugin_id = $1"),
    Part("deployment", "platform.plugin_deployment", "plugin_id = $1"),
    Part("migrations", "platform.migration", "app = replace($1, '-', '_')"),
)
