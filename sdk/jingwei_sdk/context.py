"""The context (上下文): first parameter of every command, hook, job and service function.

It says for which tenant, on whose behalf, with which permissions and when something happens, and
it is the only door to the data. There is no ambient "current tenant".
"""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from jingwei_sdk.errors import Denied, Refused
from jingwei_sdk.progress import PublicProgress
from jingwei_sdk.tables import TenantTable

if TYPE_CHECKING:
    from jingwei_sdk.events import EventType

Payload = TypeVar("Payload", bound=msgspec.Struct)
Row = TypeVar("Row", bound=TenantTable)
Settings = TypeVar("Settings", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Tenant:
    """A county or city (租户) as the running code needs it."""

    id: uuid.UUID
    slug: str
    name: str
    timezone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Actor:
    """On whose behalf something happens; ``account_id`` is ``None`` for the platform itself.

    ``covers`` are the accounts on leave that the actor stands in for now (顶岗): what is assigned
    to one of them is the actor's to handle, for as long as the leave lasts.
    """

    kind: Literal["account", "system"]
    name: str
    account_id: uuid.UUID | None = None
    department_ids: frozenset[uuid.UUID] = frozenset()
    covers: frozenset[uuid.UUID] = frozenset()

    @property
    def desks(self) -> tuple[uuid.UUID, ...]:
        """The accounts for which the actor works: its own, then those it covers, in a stable
        order; empty for the platform itself."""
        own = () if self.account_id is None else (self.account_id,)
        return (*own, *sorted(self.covers))


class Permissions(Protocol):
    """What the actor may do, and in which subtrees (权限与数据范围)."""

    def allows(self, permission: str, path: str | None = None) -> bool:
        """Whether the permission is held at ``path`` or, without a path, anywhere."""
        ...

    def paths(self, permission: str) -> tuple[str, ...]:
        """The subtrees where the permission is held: disjoint path prefixes, empty for nowhere."""
        ...

    def grants(self) -> Mapping[str, tuple[str, ...]]:
        """All that is held, by name, with the subtrees of each; ``area.*`` is all that begins so,
        ``*`` is everything."""
        ...


class Clock(Protocol):
    """The time source; frozen in tests."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...


class Data(Protocol):
    """Reading and writing inside the one transaction of the context.

    Writes through these methods are what the audit row of the command shows as before and after.
    """

    async def get(self, table: type[Row], row_id: uuid.UUID) -> Row:
        """The row; raises ``NotFound`` (``ROW_NOT_FOUND``)."""
        ...

    async def lock(self, table: type[Row], row_id: uuid.UUID) -> Row:
        """The row, locked until the transaction ends; raises ``NotFound``."""
        ...

    async def find(self, table: type[Row], **equal: object) -> list[Row]:
        """The rows whose columns equal the given values, oldest first."""
        ...

    async def insert(self, row: Row) -> Row:
        """Store a new row; raises ``Conflict`` (``ROW_EXISTS``) when a unique key is taken."""
        ...

    async def insert_all(self, rows: Sequence[Row]) -> list[Row]:
        """Store new rows, in the order given, with as few statements as can be; raises as
        :meth:`insert` does. Rows of one table lie side by side in ``rows`` for that."""
        ...

    async def update(self, row: Row, **changes: object) -> Row:
        """Change columns of a row that was read here; raises ``Conflict`` (``ROW_CHANGED``) when
        its version has moved on."""
        ...

    async def delete(self, row: TenantTable) -> None:
        """Remove a row that was read here."""
        ...

    async def fetch(self, sql: str, *args: object) -> Sequence[Mapping[str, Any]]:
        """Rows of one reading statement with ``$1`` parameters.

        For code of a plugin the text is read first: raises ``Refused`` (``PLUGIN_SQL_REFUSED``) for
        writing, for settings, and for functions that the page on data does not list.
        """
        ...

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or ``None``; raises as :meth:`fetch` does."""
        ...

    def savepoint(self) -> AbstractAsyncContextManager[object]:
        """A part that can fail without failing the whole."""
        ...


class Records(Protocol):
    """Reading records of any package (记录) inside the actor's sight; ``record`` is a type name.

    A record out of sight is not found, exactly as one that does not exist.
    """

    async def get(self, ctx: "Context", record: str, row_id: uuid.UUID) -> Mapping[str, Any]:
        """A row by column name; raises ``NotFound`` (``ROW_NOT_FOUND``)."""
        ...

    async def many(
        self, ctx: "Context", record: str, values: Sequence[uuid.UUID], *, by: str = "id"
    ) -> Mapping[uuid.UUID, Mapping[str, Any]]:
        """The rows whose unique column ``by`` holds one of ``values``, by that value."""
        ...

    async def some(
        self, ctx: "Context", record: str, *, most: int = 100, **equal: object
    ) -> Sequence[Mapping[str, Any]]:
        """The oldest rows whose columns equal the values, at most ``most``; a tuple means any of
        its values, ``None`` an empty column."""
        ...

    async def count(
        self,
        ctx: "Context",
        record: str,
        values: Sequence[uuid.UUID],
        *,
        by: str,
        **equal: object,
    ) -> Mapping[uuid.UUID, int]:
        """How many rows refer to each of ``values`` by their reference column ``by``.

        ``equal`` narrows by other columns; a tuple means any of its values.
        """
        ...


class Signals(Protocol):
    """What leaves the transaction; all of it happens only if the transaction commits."""

    async def enqueue(
        self,
        job: str,
        payload: msgspec.Struct | Mapping[str, object],
        *,
        delay_s: float = 0,
    ) -> None:
        """Queue a declared job (后台任务) for this tenant, at least once."""
        ...

    async def send(self, channel: str, payload: msgspec.Struct | Mapping[str, object]) -> uuid.UUID:
        """Put a message that leaves the system into the outbox (发件箱); returns its id.

        ``channel`` is the code of one that an enabled package declares; where it reaches persons
        the message is a ``Letter`` (:mod:`jingwei_sdk.channels`). Raises ``Invalid``:
        ``OUTBOX_CHANNEL_UNKNOWN``, ``OUTBOX_LETTER``, ``CHANNEL_TEXT_TOO_LONG``,
        ``OUTBOX_PAYLOAD_UNFIT``, ``OUTBOX_PAYLOAD_TOO_LARGE``.
        """
        ...

    async def publish(self, event_type: "EventType[Payload]", payload: Payload) -> uuid.UUID:
        """Tell plugins that consume this event type (事件消息); returns the message's id.

        Raises ``Refused``: ``EVENT_TYPE_UNDECLARED`` for a type that no enabled plugin declares,
        ``EVENT_PAYLOAD`` for another struct than the type's.
        """
        ...

    async def changed(self, record: str, row_id: uuid.UUID, place_path: str | None) -> None:
        """Tell subscribers whose area covers ``place_path`` that a record changed."""
        ...


@dataclass(frozen=True, slots=True)
class OpenEvent:
    """What a plugin says to open an event (事件) of one of its kinds.

    ``photos`` are evidence of the actor, or photos of the public form that is taken; they show what
    was found (phase ``before``).
    """

    kind: str
    place_id: uuid.UUID
    title: str
    description: str = ""
    form: Mapping[str, object] = field(default_factory=dict)
    subject_type: str | None = None
    subject_id: uuid.UUID | None = None
    due_at: datetime | None = None
    photos: Sequence[uuid.UUID] = ()


class Events(Protocol):
    """The core's event service, as plugins may use it."""

    async def open(self, ctx: "Context", new: OpenEvent) -> uuid.UUID:
        """Register an event and return its id; raises ``Invalid`` for an unknown kind or form, or
        photos that the actor may not attach."""
        ...

    async def progress(self, ctx: "Context", event_id: uuid.UUID) -> PublicProgress:
        """How an event that the public or a plugin opened stands, in words for the public.

        Raises ``NotFound`` (``ROW_NOT_FOUND``) for any other event.
        """
        ...

    async def act(
        self,
        ctx: "Context",
        event_id: uuid.UUID,
        action: str,
        *,
        note: str = "",
        reason: str = "",
    ) -> None:
        """Take an action of the event's workflow (办理) as the actor, who needs ``event.read`` and
        what the action asks for where the event is; its guards and requirements hold.

        In a public form it is the one action of
        :attr:`~jingwei_sdk.presence.PublicForm.action_setting`, which the tenant gives the public
        for events that the public or a plugin opened.

        Raises ``NotFound`` (``ROW_NOT_FOUND``) for an event out of sight, ``Denied``, ``Conflict``
        (``EVENT_ACTION_NOT_ALLOWED`` and what the guards say), ``Invalid`` for what is missing.
        """
        ...


class TypedSettings(Protocol):
    """The tenant's settings of its enabled plugins, as the structs that the plugins declare."""

    def of(self, schema: type[Settings]) -> Settings:
        """The settings of the plugin that declares this struct; raises ``Refused``
        (``SETTINGS_UNKNOWN``) when no enabled plugin does."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """Everything a command, hook or job may rely on."""

    tenant: Tenant
    actor: Actor
    permissions: Permissions
    clock: Clock
    locale: str
    request_id: str
    data: Data
    signals: Signals
    events: Events
    records: Records
    settings: Mapping[str, Mapping[str, Any]]
    """The tenant's settings of each enabled plugin, by plugin id, without secrets."""
    typed_settings: TypedSettings | None = field(default=None, kw_only=True, repr=False)
    """What :meth:`settings_of` reads from."""

    def now(self) -> datetime:
        """The present instant, aware, in the tenant's time zone."""
        return self.clock.now().astimezone(self.tenant.timezone)

    def today(self) -> date:
        """The tenant's calendar day."""
        return self.now().date()

    def settings_of(self, schema: type[Settings]) -> Settings:
        """The tenant's settings as the struct that an enabled plugin declares, secrets among them.

        Raises ``Refused``: ``SETTINGS_UNKNOWN`` for a struct of no enabled plugin,
        ``SECRET_SEALED_ELSEWHERE`` for secrets that this deployment cannot open.
        """
        if self.typed_settings is None:
            raise Refused("SETTINGS_UNKNOWN", settings=schema.__name__)
        return self.typed_settings.of(schema)

    def require(self, permission: str, path: str | None = None) -> None:
        """Raise ``Denied`` (``PERMISSION_DENIED``) unless the permission is held at ``path``."""
        if not self.permissions.allows(permission, path):
            raise Denied("PERMISSION_DENIED", permission=permission)
