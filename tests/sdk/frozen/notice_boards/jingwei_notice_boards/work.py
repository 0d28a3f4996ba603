"""What may be done."""

from collections.abc import Mapping
from typing import Any

import msgspec

from jingwei_notice_boards.records import BOARD
from jingwei_notice_boards.tables import BoardVisit, Condition, NoticeBoard
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context, OpenEvent
from jingwei_sdk.hooks import EventTransition, Veto, hookimpl

PLUGIN = "notice-boards"
KIND = "board-broken"


class NewBoard(msgspec.Struct, frozen=True):
    """A board to enter."""

    place_id: str
    code: str


class Visit(msgspec.Struct, frozen=True):
    """What was seen at a board."""

    note: str
    is_broken: bool = False


@command("board.enter", permission="board.write", at="place_id", returns=BOARD)
async def enter(ctx: Context, new: NewBoard) -> NoticeBoard:
    """登记宣传栏: enter a board."""
    return await ctx.data.insert(NoticeBoard(place_id=new.place_id, code=new.code))


@command("board.visit", permission="board.write", on=BOARD)
async def visit(ctx: Context, board: NoticeBoard, seen: Visit) -> NoticeBoard:
    """巡检宣传栏: enter a visit; a broken board opens an event."""
    await ctx.data.insert(BoardVisit(board=board.id, note=seen.note))
    changes: dict[str, object] = {"seen_at": ctx.now()}
    if seen.is_broken:
        opened = OpenEvent(
            KIND,
            board.place_id,
            f"宣传栏 {board.code} 损坏",
            subject_type="NoticeBoard",
            subject_id=board.id,
        )
        changes |= {"condition": Condition.BROKEN, "event": await ctx.events.open(ctx, opened)}
    return await ctx.data.update(board, **changes)


async def count_unvisited(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Note boards that nobody has looked at for the days that the city has set."""
    days = ctx.settings[PLUGIN]["days_between_visits"]
    for board in await ctx.data.find(NoticeBoard, seen_at=None):
        await ctx.data.insert(BoardVisit(board=board.id, note=f"unseen for {days} days"))


class BoardHooks:
    """What the plugin says to the steps of its events."""

    @hookimpl
    async def before_event_transition(self, ctx: Context, change: EventTransition) -> Veto | None:
        """Not closed while the board is broken."""
        if change.kind != KIND or change.to_state != "closed":
            return None
        for board in await ctx.data.find(NoticeBoard, event=change.event_id):
            if board.condition == Condition.BROKEN:
                return Veto("BOARD_EVENT_STILL_OPEN", {"code": board.code})
        return None

    @hookimpl
    def on_event_transitioned(self, ctx: Context, change: EventTransition) -> None:
        """Nothing to do yet."""
