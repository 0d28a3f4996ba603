"""The tenant of the open unit of work: set by the database room, read by column defaults.

Nothing for plugins: what runs for a tenant is told so by its first parameter, ``ctx``.
"""

import uuid
from contextvars import ContextVar

bound_tenant: ContextVar[uuid.UUID | None] = ContextVar("bound_tenant", default=None)
