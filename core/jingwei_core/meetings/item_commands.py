"""The commands about items: put one, decide, carry it on, take it over, tell how it was solved."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from jingwei_core.commands.lock_order import locked_after
from jingwei_core.events.deadlines import TimeLimit
from jingwei_core.events.stepping import find_department
from jingwei_core.events.tables import Event
from jingwei_core.meetings.deciding import (
    Done,
    Joint,
    Order,
    limit_for,
    order_event,
    span_of,
)
from jingwei_core.meetings.records import MEETING, MEETING_ITEM, READ
from jingwei_core.meetings.rules import rules_of
from jingwei_core.meetings.standing import (
    CHAIR,
    open_meeting,
    require_attending,
    require_open,
)
from jingwei_core.meetings.states import ASKING, ItemKind, ItemState
from jingwei_core.meetings.tables import Meeting, MeetingItem
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Denied, Invalid

LONGEST = 2000
Words = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=LONGEST)]
DepartmentId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Department"})]
AccountId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Account"})]
EventId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Event"})]
OFFICIAL = (ItemKind.DECISION, ItemKind.PLAN)
"""Items that only the chair puts on an agenda."""


class NewItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something to put on the agenda: an event, or a matter of its own in words."""

    kind: Literal["report", "problem", "decision", "plan"] = "problem"
    event_id: EventId | None = None
    text: Annotated[str, msgspec.Meta(max_length=LONGEST)] = ""


class Decision(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is decided about an item (议定): who does it and until when.

    An event takes the action by which its workflow dispatches from where it stands, or the one
    named. Without a deadline the series' usual one counts. ``joint_departments`` go out together at
    ``joint_at`` (联合执法), led by ``joint_lead`` of the leading ``department``.
    """

    text: Words
    action: Annotated[str, msgspec.Meta(max_length=100)] = ""
    department: DepartmentId | None = None
    department_code: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    assignee: AccountId | None = None
    due_at: datetime | None = None
    work_days: Annotated[int, msgspec.Meta(ge=1, le=365)] | None = None
    joint_departments: tuple[DepartmentId, ...] = ()
    joint_lead: AccountId | None = None
    joint_at: datetime | None = None
    joint_certificate: Annotated[str, msgspec.Meta(max_length=100)] = ""


class CarriedOn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why an item waits for the next meeting."""

    reason: Words


class ItemResult(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an item without an event was solved."""

    result: Words


@command("meeting.put", permission=READ, on=MEETING, returns=MEETING_ITEM)
async def put_item(ctx: Context, meeting: Meeting, new: NewItem) -> MeetingItem:
    """提交议题: put something on the agenda; whoever is expected may, the chair alone decisions and
    plans.

    Raises ``Conflict``: ``MEETING_CLOSED``, ``MEETING_EVENT_CLOSED``, ``MEETING_EVENT_TWICE``;
    ``Invalid``: ``MEETING_ITEM_EMPTY``, ``MEETING_EVENT_ELSEWHERE``; ``NotFound`` for an event out
    of sight; ``Denied``.
    """
    require_open(meeting)
    require_attending(ctx, meeting)
    kind, text = ItemKind(new.kind), new.text.strip()
    if kind in OFFICIAL:
        ctx.require(CHAIR, meeting.place_path)
    if new.event_id is None and not text:
        raise Invalid("MEETING_ITEM_EMPTY", field="text")
    if new.event_id is not None:
        await _check_event(ctx, meeting, new.event_id)
    known = await ctx.data.find(MeetingItem, meeting=meeting.id)
    item = await ctx.data.insert(
        MeetingItem(
            meeting=meeting.id,
            number=len(known) + 1,
            kind=kind.value,
            event=new.event_id,
            text=text,
            put_by=ctx.actor.account_id,
        )
    )
    await ctx.signals.changed("Meeting", meeting.id, meeting.place_path)
    return item


async def _check_event(ctx: Context, meeting: Meeting, event_id: uuid.UUID) -> None:
    await ctx.records.get(ctx, "Event", event_id)
    event = await ctx.data.get(Event, event_id)
    if not event.place_path.startswith(meeting.place_path):
        raise Invalid("MEETING_EVENT_ELSEWHERE", field="eventId", number=event.number)
    if event.is_final:
        raise Conflict("MEETING_EVENT_CLOSED", field="eventId", number=event.number)
    if await ctx.data.find(MeetingItem, meeting=meeting.id, event=event_id):
        raise Conflict("MEETING_EVENT_TWICE", field="eventId", number=event.number)


@locked_after(Meeting, "meeting")
@command("meeting.decide", permission=CHAIR, on=MEETING_ITEM)
async def decide_item(ctx: Context, item: MeetingItem, given: Decision) -> MeetingItem:
    """议定交办: decide who does what until when; an event is dispatched with it.

    Raises ``Conflict``: ``MEETING_CLOSED``, ``MEETING_NOT_HELD``, ``MEETING_ITEM_HEARD``,
    ``MEETING_ITEM_SOLVED``; ``Invalid``: ``MEETING_NOBODY``, ``MEETING_DUE_MISSING``,
    ``MEETING_JOINT_EVENT``, ``MEETING_JOINT_INCOMPLETE``; what :func:`limit_for` and
    :func:`order_event` raise.
    """
    meeting = await open_meeting(ctx, item)
    _require_asking(item)
    series = (await rules_of(ctx)).of(meeting.series)
    order = Order(
        item=item.id,
        text=given.text.strip(),
        action=given.action,
        department=await find_department(ctx, given.department, given.department_code),
        assignee=given.assignee,
        limit=await limit_for(ctx, given.due_at, given.work_days, series.limit),
        joint=_joint(given, series.limit),
    )
    done = _matter(order) if item.event is None else await order_event(ctx, item.event, order)
    return await _decided(
        ctx,
        (meeting, item),
        decision=order.text,
        assigned_department=done.department,
        assigned_account=done.account,
        due_at=done.due_at,
        operation=done.operation or item.operation,
        state=ItemState.OPEN.value,
    )


def _joint(given: Decision, usual: TimeLimit | None) -> Joint | None:
    if not given.joint_departments:
        return None
    limit = span_of(given.work_days, usual)
    if given.joint_lead is None or given.joint_at is None or limit is None:
        raise Invalid("MEETING_JOINT_INCOMPLETE", field="jointDepartments")
    return Joint(
        given.joint_lead, given.joint_departments, given.joint_at, limit, given.joint_certificate
    )


def _matter(order: Order) -> Done:
    """An item without an event: somebody, and until when."""
    if order.joint is not None:
        raise Invalid("MEETING_JOINT_EVENT", field="jointDepartments")
    if order.department is None and order.assignee is None:
        raise Invalid("MEETING_NOBODY", field="department")
    if order.limit is None:
        raise Invalid("MEETING_DUE_MISSING", field="dueAt")
    return Done(order.department, order.assignee, order.limit.due_at)


def _require_asking(item: MeetingItem) -> None:
    if item.kind not in ASKING:
        raise Conflict("MEETING_ITEM_HEARD", number=item.number)
    if item.state == ItemState.SOLVED:
        raise Conflict("MEETING_ITEM_SOLVED", number=item.number)


async def _require_unsolved(ctx: Context, item: MeetingItem) -> None:
    """The same, and what its event's closing has solved is only read (二次通报)."""
    _require_asking(item)
    if item.event is not None and (await ctx.data.get(Event, item.event)).is_final:
        raise Conflict("MEETING_ITEM_SOLVED", number=item.number)


async def _decided(ctx: Context, at: tuple[Meeting, MeetingItem], **changes: object) -> MeetingItem:
    meeting, item = at
    who = {"decided_by": ctx.actor.account_id, "decided_at": ctx.now()}
    decided = await ctx.data.update(item, **who, **changes)
    await ctx.signals.changed("Meeting", meeting.id, meeting.place_path)
    return decided


@locked_after(Meeting, "meeting")
@command("meeting.carry", permission=CHAIR, on=MEETING_ITEM)
async def carry_item(ctx: Context, item: MeetingItem, given: CarriedOn) -> MeetingItem:
    """转下次会议: leave an item for the next meeting, with the reason.

    Raises ``Conflict``: ``MEETING_CLOSED``, ``MEETING_NOT_HELD``, ``MEETING_ITEM_HEARD``,
    ``MEETING_ITEM_SOLVED``.
    """
    meeting = await open_meeting(ctx, item)
    await _require_unsolved(ctx, item)
    decision = given.reason.strip()
    return await _decided(ctx, (meeting, item), decision=decision, state=ItemState.CARRIED.value)


@locked_after(Meeting, "meeting")
@command("meeting.supervise", permission=CHAIR, on=MEETING_ITEM)
async def supervise_item(ctx: Context, item: MeetingItem) -> MeetingItem:
    """亲自督办: the chair takes an unsolved item over in person.

    Raises ``Conflict``: ``MEETING_CLOSED``, ``MEETING_NOT_HELD``, ``MEETING_ITEM_HEARD``,
    ``MEETING_ITEM_SOLVED``; ``Denied`` (``MEETING_NOT_CHAIR``).
    """
    meeting = await open_meeting(ctx, item)
    await _require_unsolved(ctx, item)
    if meeting.chair != ctx.actor.account_id:
        raise Denied("MEETING_NOT_CHAIR")
    taken = await ctx.data.update(item, supervised_by=ctx.actor.account_id)
    await ctx.signals.changed("Meeting", meeting.id, meeting.place_path)
    return taken


@locked_after(Meeting, "meeting")
@command("meeting.solve", permission=READ, on=MEETING_ITEM)
async def solve_item(ctx: Context, item: MeetingItem, given: ItemResult) -> MeetingItem:
    """办结议题: tell how an item without an event was solved; whose it is may, and the chair.

    Raises ``Conflict``: ``MEETING_ITEM_OF_EVENT`` (its event's closing tells it),
    ``MEETING_ITEM_SOLVED``, ``MEETING_ITEM_UNDECIDED``, ``MEETING_ITEM_MOVED_ON``; ``Denied``.
    """
    meeting = await ctx.data.get(Meeting, item.meeting)
    mine = item.assigned_account in ctx.actor.desks
    ours = item.assigned_department in ctx.actor.department_ids
    if not (mine or ours or ctx.permissions.allows(CHAIR, meeting.place_path)):
        raise Denied("MEETING_ITEM_OF_OTHERS")
    if item.event is not None:
        raise Conflict("MEETING_ITEM_OF_EVENT", number=item.number)
    if item.state == ItemState.SOLVED:
        raise Conflict("MEETING_ITEM_SOLVED", number=item.number)
    decided_at: datetime | None = item.decided_at
    if decided_at is None and item.carried_from is None:
        raise Conflict("MEETING_ITEM_UNDECIDED", number=item.number)
    if await ctx.data.find(MeetingItem, carried_from=item.id):
        raise Conflict("MEETING_ITEM_MOVED_ON", number=item.number)
    solved = await ctx.data.update(
        item, state=ItemState.SOLVED.value, result=given.result.strip(), solved_at=ctx.now()
    )
    await ctx.signals.changed("Meeting", meeting.id, meeting.place_path)
    return solved


COMMANDS = (put_item, decide_item, carry_item, supervise_item, solve_item)
