"""The commands of events: report, act, assign, comment."""

import uuid
from typing import Annotated, Any

import msgspec

from jingwei_core.commands.unlocked import unlocked
from jingwei_core.events.records import EVENT
from jingwei_core.events.registration import register
from jingwei_core.events.reporting import (
    PERMISSION,
    TEXT_LENGTH,
    ReportEvent,
    check_report,
    clean_text,
)
from jingwei_core.events.step_evidence import AttachedEvidence, claim_evidence
from jingwei_core.events.stepping import Step, find_department, load_definition, take_step
from jingwei_core.events.tables import Event
from jingwei_core.events.timeline import Entry, append_entry
from jingwei_core.events.workflow import COMMENT, Assigns
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict

Words = Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH)]
DepartmentId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Department"})]
AccountId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Account"})]


class ActOnEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A step: an action of the event's workflow, with what that action requires."""

    action: Annotated[str, msgspec.Meta(max_length=100, description="one of availableActions")]
    note: Words = ""
    reason: Words = ""
    department: DepartmentId | None = None
    department_code: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    assignee: AccountId | None = None
    evidence: tuple[AttachedEvidence, ...] = ()
    form: Annotated[
        dict[str, Any],
        msgspec.Meta(
            description="fields of the event's form to fill or change; null takes one out"
        ),
    ] = {}


class AssignEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A person of the department that the event is assigned to."""

    assignee: AccountId
    note: Words = ""


class CommentOnEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A remark on the timeline that moves nothing."""

    note: Words
    evidence: tuple[AttachedEvidence, ...] = ()


@command("event.report", permission=PERMISSION, at="place_id", returns=EVENT)
async def report(ctx: Context, given: ReportEvent) -> Event:
    """登记: report an event at a place or a position."""
    return await register(ctx, await check_report(ctx, given), is_last=True)


@unlocked
@command("event.act", permission="event.read", on=EVENT)
async def act(ctx: Context, event: Event, given: ActOnEvent) -> Event:
    """办理: take an action of the event's workflow.

    Which permission that takes is the tenant's data: each action names its own, and it must be
    held at the event's place. ``event.read`` is only the way in.
    """
    step = Step(
        action=given.action,
        note=given.note.strip(),
        reason=given.reason.strip(),
        department=await find_department(ctx, given.department, given.department_code),
        assignee=given.assignee,
        evidence=given.evidence,
        form=given.form,
    )
    return await take_step(ctx, event, step)


@command("event.assign", permission="event.assign", on=EVENT)
async def assign(ctx: Context, event: Event, given: AssignEvent) -> Event:
    """指定承办人: hand the event to a person of the department it is assigned to.

    Takes the action by which the workflow assigns a person from the event's state. Raises
    ``Conflict`` (``EVENT_ACTION_NOT_ALLOWED``) where it has none.
    """
    definition = await load_definition(ctx, event)
    for action in definition.actions_from(event.state):
        if action.assigns is Assigns.ASSIGNEE:
            step = Step(action.code, note=given.note.strip(), assignee=given.assignee)
            return await take_step(ctx, event, step)
    raise Conflict("EVENT_ACTION_NOT_ALLOWED", field="id", action="assign", state=event.state)


@command("event.comment", permission="event.read", on=EVENT)
async def comment(ctx: Context, event: Event, given: CommentOnEvent) -> Event:
    """备注: leave a word on the timeline; whoever may see the event may."""
    claimed = await claim_evidence(ctx, given.evidence)
    entry = Entry(COMMENT, event.state, note=clean_text("note", given.note))
    await append_entry(ctx, event, entry, claimed)
    await ctx.signals.changed("Event", event.id, event.place_path)
    return event


COMMANDS = (report, act, assign, comment)
