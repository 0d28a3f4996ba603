"""Tables of a tenant (租户表): what every stored thing has, and the columns plugins build from.

A table class says ``id`` is its primary key because Piccolo knows single keys only; the migration
runner gives the database ``PRIMARY KEY (tenant_id, id)``, row security, grants and composite
foreign keys for every class that descends from :class:`TenantTable`.
"""

import enum
import re
import uuid
from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from piccolo.columns import UUID, ForeignKey, Integer, Text, Timestamptz
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.defaults.uuid import UUID4
from piccolo.table import Table
from uuid_utils.compat import uuid7

from jingwei_sdk._bound import bound_tenant as _bound_tenant
from jingwei_sdk.errors import Refused
from jingwei_sdk.personal import Personal

T = TypeVar("T", bound=Table)
Keys = tuple[tuple[str, ...], ...]

_REFERENCES = re.compile(
    r" REFERENCES .* ON UPDATE (CASCADE|RESTRICT|NO ACTION|SET NULL|SET DEFAULT)"
)


class V7(UUID4):
    """Default of ``id``: a UUIDv7, so that keys grow with time and indexes stay dense."""

    # Piccolo's type of it names its own one value.
    @property
    def postgres(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The database's own default."""
        return "core.uuid7()"

    def python(self) -> uuid.UUID:
        """A new identifier."""
        return uuid7()


class CurrentTenant(UUID4):
    """Default of ``tenant_id``: the tenant of the open unit of work, never a random one."""

    @property
    def postgres(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Raises in the database when no tenant is bound."""
        return "current_setting('app.tenant')::uuid"

    def python(self) -> uuid.UUID:
        """The bound tenant; raises ``Refused`` (``NO_TENANT_BOUND``) outside a unit of work."""
        tenant = _bound_tenant.get()
        if tenant is None:
            raise Refused("NO_TENANT_BOUND")
        return tenant


class TenantTable(Table):
    """Base of every table that holds a tenant's data.

    ``UNIQUE`` and ``INDEXES`` are tuples of column names; in the database each is led by
    ``tenant_id``, and so is that of a column with ``index=True``. Sort keys and references of the
    table's record need none: theirs are derived (:mod:`jingwei_sdk.indexes`). An empty tuple in
    ``UNIQUE`` means one row a tenant. ``IS_SMALL`` says that a tenant has some hundreds of rows at
    most (configuration): its lists are sorted instead of walked. ``PERSONAL`` declares each column
    that holds information about a person; without it such a column is not registered.
    """

    UNIQUE: ClassVar[Keys] = ()
    INDEXES: ClassVar[Keys] = ()
    IS_SMALL: ClassVar[bool] = False
    PERSONAL: ClassVar[Mapping[str, Personal]] = {}

    tenant_id = UUID(default=CurrentTenant(), null=False)
    id = UUID(primary_key=True, default=V7(), null=False)
    created_at = Timestamptz(default=TimestamptzNow(), null=False)
    updated_at = Timestamptz(default=TimestamptzNow(), null=False)
    version = Integer(default=1, null=False, help_text="grows by one with each update")


class TenantFK(ForeignKey[Any]):
    """A reference inside the tenant; the database gets ``(tenant_id, x) -> (tenant_id, id)``.

    Piccolo's own ``REFERENCES`` would be checked without row security and could point into another
    tenant, so it is left out here and the composite key is added by the migration runner.
    """

    @property
    def column_type(self) -> str:
        """Always a UUID, without looking the target up."""
        return "UUID"

    @property
    def ddl(self) -> str:
        """The column's DDL without Piccolo's single-column reference."""
        return _REFERENCES.sub("", super().ddl)


class CoreRef(UUID):
    """The id of a record of another package (for example the core's ``Organisation``).

    No foreign key: a plugin that is switched off must not block a change in the core. A command
    that is ``on`` the target has it checked by the bus; one that takes its id in the input asks
    ``ctx.records.get``, which finds only what exists and is in sight.
    """

    def __init__(self, target: str = "", default: None = None, **kwargs: Any) -> None:
        kwargs.setdefault("index", True)
        super().__init__(default=default, **kwargs)
        self._meta.params["target"] = target
        self.target = target

    @property
    def column_type(self) -> str:
        """A UUID; Piccolo would otherwise name the type after the class."""
        return "UUID"


def choice(
    choices: type[enum.StrEnum],
    default: enum.StrEnum | None = None,
    *,
    null: bool = False,
) -> Text:
    """A text column limited to ``choices``; the migration runner adds the CHECK constraint."""
    return Text(default=default, choices=choices, null=null)


class PlacedTable(TenantTable):
    """A table whose rows lie at a place (所在地点).

    ``place_path`` follows ``place_id`` by a database trigger, so it cannot disagree with the tree
    and data scope is one indexed range; whatever a caller puts there is overwritten.
    """

    place_id = UUID(default=None, null=False, index=True)
    place_path = Text(default="", null=False, index=True)


APPEND_ONLY: set[type[Table]] = set()
"""Tables whose rows the application may add and read but never change or remove."""


def append_only(table: type[T]) -> type[T]:
    """Mark a table so that the application role gets SELECT and INSERT only."""
    APPEND_ONLY.add(table)
    return table


SEALED: set[type[Table]] = set()
"""Tables that the application reads only; functions of the database write them."""


def sealed(table: type[T]) -> type[T]:
    """Mark a table so that the application role gets SELECT only."""
    SEALED.add(table)
    return table


def columns_of(table: type[Table]) -> list[Any]:
    """The table's columns in declaration order."""
    return list(table._meta.columns)
