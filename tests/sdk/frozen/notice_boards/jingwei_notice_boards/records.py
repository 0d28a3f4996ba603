"""What may be read."""

from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_notice_boards.tables import BoardVisit, NoticeBoard
from jingwei_sdk.context import Context
from jingwei_sdk.records import AtPlace, Computed, Extension, Many, One, Record, Through

READ = "board.read"

BOARD = Record(
    NoticeBoard,
    read=READ,
    scope=(AtPlace(),),
    filters=("condition",),
    sort=("code",),
    relations={
        "keeper": One("keeper", "Organisation"),
        "visits": Many("BoardVisit", "board"),
    },
    dimensions=("condition",),
)
VISIT = Record(BoardVisit, read=READ, scope=(Through("board", "NoticeBoard"),))


async def board_count(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """How many boards each organisation looks after."""
    counts = await ctx.records.count(ctx, "NoticeBoard", [row["id"] for row in rows], by="keeper")
    return [counts.get(row["id"], 0) for row in rows]


RECORDS = (BOARD, VISIT)
EXTENSIONS = (
    Extension(
        "Organisation",
        relations={"notice_boards": Many("NoticeBoard", "keeper")},
        computed={"notice_board_count": Computed(int, ("id",), board_count, permission=READ)},
    ),
)
