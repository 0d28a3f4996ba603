"""Errors of the database room; each has a stable code with a text in the catalogue."""

import asyncpg

from jingwei_sdk.errors import Conflict, Invalid, JingweiError, Refused, Unavailable

LOST_CONNECTION = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""How asyncpg tells that a connection is gone: it depends on what it was doing just then."""


ANOTHER_TENANT = "JW002"
"""The SQLSTATE of ``core.tenant_must_be``."""

CONTENTION = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError)
"""Two transactions stood in each other's way and this one had to give up."""


def is_unstorable(error: asyncpg.DataError) -> bool:
    """Whether PostgreSQL has no way to hold what the caller sent: U+0000 or half a surrogate pair
    in a text, a number beyond its column. Any other such error is a fault of the statement."""
    of_server = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)
    of_client = (UnicodeEncodeError, OverflowError)
    return isinstance(error, of_server) or isinstance(error.__cause__, of_client)


class Contention(Unavailable):
    """The transaction lost against another one; begun anew it may well succeed."""

    def __init__(self, cause: str) -> None:
        super().__init__("DATABASE_CONTENTION", cause=cause)


def told(error: BaseException) -> JingweiError | None:
    """What a failed statement means to the caller; ``None`` for a fault of the statement."""
    if isinstance(error, asyncpg.DataError) and is_unstorable(error):
        return Invalid("VALUE_UNSTORABLE")
    if getattr(error, "sqlstate", None) == ANOTHER_TENANT:
        return TenantChanged()
    if isinstance(error, asyncpg.QueryCanceledError):
        return Unavailable("STATEMENT_TIMEOUT")
    if isinstance(error, asyncpg.LockNotAvailableError):
        return Unavailable("DATABASE_CONTENTION", cause="lock timeout")
    return Contention(type(error).__name__) if isinstance(error, CONTENTION) else None


class NoTenantBound(Refused):
    """A statement outside a unit of work, or a tenant's table inside a platform unit."""

    def __init__(self) -> None:
        super().__init__("NO_TENANT_BOUND")


class OtherTenant(Refused):
    """A unit of work for one tenant was opened inside that of another."""

    def __init__(self, open_tenant: object, wanted: object) -> None:
        super().__init__("UNIT_OF_ANOTHER_TENANT", open_tenant=open_tenant, wanted=wanted)


class TenantChanged(Refused):
    """A statement bound another tenant; nothing of the unit was kept."""

    def __init__(self) -> None:
        super().__init__("TENANT_BINDING_CHANGED")


class UnitRolledBack(Conflict):
    """A statement failed, the failure was swallowed, and nothing of the unit was kept."""

    def __init__(self) -> None:
        super().__init__("UNIT_ROLLED_BACK")


class MigrationRefused(JingweiError):
    """The migrations cannot be applied as they are; the database is as it was before."""
