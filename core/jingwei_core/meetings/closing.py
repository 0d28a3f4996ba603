"""Closing a meeting (形成纪要): every item has its end for this time, the minutes are kept under
lock, and nothing of it changes any more.

A staged command: the minutes are made of what is read first, kept while no connection is held, and
made once more in the transaction that closes. If anything changed between, nothing is closed.
"""

import hashlib
import uuid
from typing import Any

import msgspec

from jingwei_core.commands.staging import CoreStage
from jingwei_core.evidence.documents import (
    KeptDocument,
    NewDocument,
    keep_document,
    record_document,
)
from jingwei_core.meetings.minutes import MEDIA_TYPE, Closing, items_of, outcome, render
from jingwei_core.meetings.records import MEETING
from jingwei_core.meetings.rules import Series, rules_of
from jingwei_core.meetings.standing import CHAIR, require_held
from jingwei_core.meetings.states import ASKING, ItemState, MeetingState
from jingwei_core.meetings.tables import Meeting, MeetingItem
from jingwei_sdk.commands import Staged, command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict


class Prepared(msgspec.Struct, frozen=True):
    """Minutes that are made and not kept yet."""

    closing: Closing
    document: NewDocument


class KeptMinutes(msgspec.Struct, frozen=True):
    """Minutes that are kept under lock."""

    closing: Closing
    document: KeptDocument


async def _prepare(ctx: Context, meeting_id: uuid.UUID) -> Prepared | None:
    """The minutes as they would be now; ``None`` for a meeting that has its minutes.

    Raises as :func:`close_meeting` does.
    """
    await ctx.records.get(ctx, "Meeting", meeting_id)
    meeting = await ctx.data.get(Meeting, meeting_id)
    ctx.require(CHAIR, meeting.place_path)
    if meeting.state == MeetingState.CLOSED:
        return None
    closing = Closing(ctx.now(), ctx.locale)
    series = (await rules_of(ctx)).of(meeting.series)
    await _check(ctx, meeting, series, closing)
    content = await render(ctx, meeting, series, closing)
    # Named by what it holds: an attempt that broke off leaves nothing in the way of the next.
    name = f"minutes-{meeting.id}-{hashlib.sha256(content).hexdigest()[:16]}"
    return Prepared(closing, NewDocument(name, MEDIA_TYPE, content))


async def _keep(stage: CoreStage, prepared: Prepared) -> KeptMinutes:
    return KeptMinutes(prepared.closing, await keep_document(stage, prepared.document))


@command("meeting.close", permission=CHAIR, on=MEETING, staged=Staged(_prepare, _keep))
async def close_meeting(ctx: Context, meeting: Meeting, kept: KeptMinutes) -> Meeting:
    """形成纪要: close the meeting; what is unsolved is carried to the next one.

    Raises ``Conflict``: ``MEETING_NOT_HELD``, ``MEETING_ITEM_UNDECIDED``,
    ``MEETING_ITEM_UNSUPERVISED`` with the item's number, ``MEETING_CHANGED`` when anything of it
    changed while the minutes were kept. Sent again, it answers the same.
    """
    if meeting.state == MeetingState.CLOSED:
        return meeting
    series = (await rules_of(ctx)).of(meeting.series)
    await _check(ctx, meeting, series, kept.closing)
    content = await render(ctx, meeting, series, kept.closing)
    digest = hashlib.sha256(content).hexdigest()
    if digest != kept.document.sha256:
        raise Conflict("MEETING_CHANGED", series=meeting.series)
    for row in await items_of(ctx, meeting):
        await _end(ctx, row, kept.closing)
    minutes = await record_document(ctx, kept.document)
    closed = await ctx.data.update(
        meeting,
        state=MeetingState.CLOSED.value,
        closed_at=kept.closing.at,
        minutes=minutes.id,
        digest=digest,
        language=kept.closing.language,
    )
    await ctx.signals.changed("Meeting", closed.id, closed.place_path)
    return closed


async def _check(ctx: Context, meeting: Meeting, series: Series, closing: Closing) -> None:
    """Each item that asks for it is solved, decided or carried; what was carried too often is the
    chair's own."""
    require_held(meeting)
    for row in await items_of(ctx, meeting):
        if row["kind"] not in ASKING or outcome(row, closing.at) is ItemState.SOLVED:
            continue
        if row["decided_at"] is None:
            raise Conflict("MEETING_ITEM_UNDECIDED", number=row["number"])
        most = series.carry_at_most
        if most and row["carried_count"] >= most and row["supervised_by"] is None:
            raise Conflict("MEETING_ITEM_UNSUPERVISED", number=row["number"], most=most)


async def _end(ctx: Context, row: Any, closing: Closing) -> None:
    if row["kind"] not in ASKING:
        return
    item = await ctx.data.get(MeetingItem, row["id"])
    state = outcome(row, closing.at)
    solved_at = row["solved_at"] or row["ended_at"]
    is_solved = state is ItemState.SOLVED
    await ctx.data.update(item, state=state.value, solved_at=solved_at if is_solved else None)


COMMANDS = (close_meeting,)
