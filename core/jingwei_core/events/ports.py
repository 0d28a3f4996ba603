"""Ports (接口): what steps of events ask of other rooms, and how those rooms answer.

A room that fills a port makes an object of it and names it in :mod:`jingwei_core.event_ports`, the
one place that knows all of them. A port that nobody fills is :data:`NOT_THERE`: a workflow that
would need it is refused when it is checked, so a step never meets an empty one.
"""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

import msgspec

from jingwei_core.events.deadlines import TimeLimit
from jingwei_core.events.tables import Event
from jingwei_core.events.whom import Whom
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Refused

Accounts = tuple[uuid.UUID, ...]
"""Ids of accounts, each once, in a stable order."""


class Message(msgspec.Struct, frozen=True):
    """Something to tell people: a message of the catalogue and what it is about.

    ``about`` is the record's name and the row's id, ``place_path`` where that lies. ``urgency`` is
    ``now`` (突发: passes quiet hours), ``usual`` or ``digest``.
    """

    code: str
    params: dict[str, Any]
    about: tuple[str, uuid.UUID]
    place_path: str
    urgency: str = "usual"


class NewTask(msgspec.Struct, frozen=True):
    """A sub-task of an event (子任务) for a department, or for people; exactly one is given."""

    title_zh: str
    title_en: str
    department: uuid.UUID | None = None
    whom: Whom | None = None
    limit: TimeLimit | None = None


class JointOrder(msgspec.Struct, frozen=True):
    """A joint operation (联合执法) that a meeting decided on: who leads it, which departments go
    out with it, when, and how long each has. ``decided_by`` is the item of the meeting."""

    title: str
    lead: uuid.UUID
    lead_department: uuid.UUID
    departments: tuple[uuid.UUID, ...]
    planned_at: datetime
    limit: TimeLimit
    decided_by: uuid.UUID
    certificate_kind: str = ""


class Recipients(Protocol):
    """Who is meant (收件人)."""

    async def resolve(self, ctx: Context, whom: Whom, about: Event) -> Accounts:
        """The active accounts that are meant now, substitutes in place of the absent; empty when
        there is nobody."""
        ...


class Notifier(Protocol):
    """Telling people (通知), in the transaction of ``ctx``."""

    def knows(self, code: str) -> bool:
        """Whether there is such a message, in both languages."""
        ...

    async def tell(self, ctx: Context, accounts: Accounts, message: Message) -> None:
        """Put the message into each one's inbox."""
        ...


class Tasks(Protocol):
    """Sub-tasks of events (子任务)."""

    async def open(self, ctx: Context, event: Event, task: NewTask) -> Event:
        """Open a task of a locked event; the event as it stands then, which waits for it."""
        ...

    async def open_ones(self, ctx: Context, events: Sequence[uuid.UUID]) -> Collection[uuid.UUID]:
        """Those of the events that have a task which is neither done nor cancelled."""
        ...

    async def end(self, ctx: Context, event: Event, reason: str) -> Event:
        """Cancel what a locked event waits for, since the event itself ends; the event as it stands
        then, which waits for nothing."""
        ...


class Certificates(Protocol):
    """Certificates of people (执法证)."""

    async def kinds(self, ctx: Context) -> Collection[str]:
        """The kinds that the tenant knows."""
        ...

    async def held(self, ctx: Context, account: uuid.UUID, day: date) -> Collection[str]:
        """The kinds of which the account has a certificate that is valid on the tenant's day."""
        ...


class UpwardReports(Protocol):
    """Reports upward (双报告) that their recipients have to acknowledge."""

    async def send(self, ctx: Context, event: Event, whom: Sequence[Whom]) -> None:
        """Report a locked event to each of them; one row for each recipient."""
        ...

    async def waiting(self, ctx: Context, events: Sequence[uuid.UUID]) -> Collection[uuid.UUID]:
        """Those of the events of which somebody has not acknowledged a report yet."""
        ...


class JointOperations(Protocol):
    """Joint operations (联合执法)."""

    async def open(self, ctx: Context, event: Event, order: JointOrder) -> uuid.UUID:
        """Open the operation of a locked event, with a task for each department; its id."""
        ...


class Router(Protocol):
    """Where an event goes (分流)."""

    async def department(self, ctx: Context, event: Event) -> uuid.UUID | None:
        """The department for the event's kind at its place; ``None`` when no rule tells."""
        ...


class NotThere:
    """A port that no room fills. Asking it is a fault of the check, which lets no definition
    through that needs it."""

    def __getattr__(self, name: str) -> Any:
        """Raises ``Refused`` (``WORKFLOW_PORT_MISSING``)."""
        raise Refused("WORKFLOW_PORT_MISSING", port=name)


NOT_THERE: Any = NotThere()


def is_there(port: object) -> bool:
    """Whether a room fills the port."""
    return not isinstance(port, NotThere)


@dataclass(frozen=True, slots=True)
class Ports:
    """What other rooms do for events; see :data:`NOT_THERE`."""

    recipients: Recipients = NOT_THERE
    notifier: Notifier = NOT_THERE
    tasks: Tasks = NOT_THERE
    certificates: Certificates = NOT_THERE
    upward_reports: UpwardReports = NOT_THERE
    router: Router = NOT_THERE
    joint_operations: JointOperations = NOT_THERE
