"""Extensions (延期): who works on an event asks for more time, and somebody else decides."""

from datetime import datetime
from decimal import Decimal

import msgspec

from jingwei_core.events.configuration import covers_kind
from jingwei_core.events.step_evidence import NO_EVIDENCE
from jingwei_core.events.suspension import suspended_of
from jingwei_core.events.tables import Event
from jingwei_core.events.timeline import Entry, append_entry
from jingwei_core.events.work_clock import TimeUnit, WorkClock
from jingwei_core.routing.reports_up import tell_of
from jingwei_core.routing.tables import DeadlineExtension, ExtensionRule, ExtensionState
from jingwei_core.routing.working_on import is_on_desk, require_open
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Denied, Invalid

EXTENDED = "EVENT_EXTENDED"
ENTRY = "event.extend"
"""Code of an entry of the timeline."""


class Asked(msgspec.Struct, frozen=True):
    """How much more time, counted from the limit, and why."""

    amount: Decimal
    unit: TimeUnit
    reason: str


async def ask(ctx: Context, event: Event, asked: Asked) -> DeadlineExtension:
    """Ask for more time for a locked event, before its state's limit has passed.

    Raises ``Denied`` (``EVENT_NOT_YOURS``), ``Invalid`` (``EVENT_TEXT_REQUIRED``, ``TIME_AMOUNT``,
    ``EVENT_EXTENSION_LONGEST``), ``Conflict``: ``EVENT_IS_CLOSED``, ``EVENT_EXTENSION_NO_LIMIT``
    (none runs), ``EVENT_EXTENSION_LATE``, ``EVENT_EXTENSION_WAITS`` (one is asked for already),
    ``EVENT_EXTENSION_MOST``.
    """
    require_open(event)
    if not is_on_desk(ctx, event):
        raise Denied("EVENT_NOT_YOURS", field="id", number=event.number)
    if not asked.reason:
        raise Invalid("EVENT_TEXT_REQUIRED", field="reason")
    due: datetime | None = event.state_due_at
    is_suspended = suspended_of(event.suspended) is not None
    if due is None or is_suspended:
        raise Conflict("EVENT_EXTENSION_NO_LIMIT", field="id")
    if due < ctx.now():
        raise Conflict("EVENT_EXTENSION_LATE", field="id")
    if await ctx.data.find(DeadlineExtension, event=event.id, state=ExtensionState.ASKED):
        raise Conflict("EVENT_EXTENSION_WAITS", field="id")
    await _check_rule(ctx, event, due, asked)
    row = DeadlineExtension(
        event=event.id,
        asked_by=ctx.actor.account_id,
        asked_at=ctx.now(),
        amount=float(asked.amount),
        unit=asked.unit.value,
        reason=asked.reason,
        event_state=event.state,
    )
    return await ctx.data.insert(row)


async def _check_rule(ctx: Context, event: Event, due: datetime, asked: Asked) -> None:
    assert isinstance(ctx, CoreContext)
    configuration = await ctx.configuration.get()
    kind = configuration.kind(event.kind).code
    rules = [rule for rule in await ctx.data.find(ExtensionRule) if covers_kind(rule.kind, kind)]
    rule = max(rules, key=lambda one: len(one.kind), default=None)
    most = 0 if rule is None else rule.most
    if event.extended_count >= most:
        raise Conflict("EVENT_EXTENSION_MOST", field="id", most=most)
    assert rule is not None
    clock = configuration.work_clock(ctx.tenant.timezone)
    longest = clock.add(due, Decimal(str(rule.amount)), rule.unit)
    if clock.add(due, asked.amount, asked.unit) > longest:
        most_told = f"{rule.amount:g}"
        raise Invalid("EVENT_EXTENSION_LONGEST", field="amount", amount=most_told, unit=rule.unit)


async def decide(
    ctx: Context, extension: DeadlineExtension, *, granted: bool, note: str
) -> DeadlineExtension:
    """Grant or refuse a locked request, as anybody with the permission at the event's place but
    who asked. Granting moves the limits of the state and of the whole loop and is counted.

    Raises ``Conflict`` (``EVENT_EXTENSION_DECIDED``, ``EVENT_EXTENSION_PAST``: the event has moved
    on), ``Denied`` (``PERMISSION_DENIED``, ``EVENT_EXTENSION_OWN``).
    """
    if extension.state != ExtensionState.ASKED:
        raise Conflict("EVENT_EXTENSION_DECIDED", field="id")
    event = await ctx.data.lock(Event, extension.event)
    ctx.require("event.extend", event.place_path)
    if extension.asked_by in ctx.actor.desks:
        raise Denied("EVENT_EXTENSION_OWN", field="id")
    due: datetime | None = event.state_due_at
    is_running = due is not None and suspended_of(event.suspended) is None
    if granted and (event.state != extension.event_state or not is_running):
        raise Conflict("EVENT_EXTENSION_PAST", field="id")
    decided: dict[str, object] = {
        "state": ExtensionState.GRANTED if granted else ExtensionState.REFUSED,
        "decided_by": ctx.actor.account_id,
        "decided_at": ctx.now(),
        "decision_note": note,
    }
    if granted:
        decided |= await _extend(ctx, event, extension)
    return await ctx.data.update(extension, **decided)


async def _extend(ctx: Context, event: Event, extension: DeadlineExtension) -> dict[str, object]:
    assert isinstance(ctx, CoreContext)
    clock = (await ctx.configuration.get()).work_clock(ctx.tenant.timezone)
    before: datetime = event.state_due_at
    moved = {
        name: _later(clock, getattr(event, name), extension)
        for name in ("state_due_at", "warn_at", "due_at")
    }
    event = await ctx.data.update(event, **moved, extended_count=event.extended_count + 1)
    entry = Entry(ENTRY, event.state, reason=extension.reason)
    await append_entry(ctx, event, entry, NO_EVIDENCE)
    await ctx.signals.changed("Event", event.id, event.place_path)
    await tell_of(ctx, event, (extension.asked_by,), EXTENDED)
    return {"due_before": before, "due_after": moved["state_due_at"]}


def _later(
    clock: WorkClock, moment: datetime | None, extension: DeadlineExtension
) -> datetime | None:
    if moment is None:
        return None
    return clock.add(moment, Decimal(str(extension.amount)), extension.unit)
