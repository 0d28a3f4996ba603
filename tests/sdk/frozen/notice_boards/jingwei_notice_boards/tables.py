"""What is stored."""

import enum

from piccolo.columns import Text, Timestamptz

from jingwei_sdk.tables import CoreRef, PlacedTable, TenantFK, TenantTable, choice


class Condition(enum.StrEnum):
    """How a board is."""

    GOOD = "good"
    BROKEN = "broken"


class NoticeBoard(PlacedTable, tablename="board", schema="notice_boards"):
    """A notice board (宣传栏)."""

    UNIQUE = (("code",),)

    code = Text()
    condition = choice(Condition, Condition.GOOD)
    keeper = CoreRef("Organisation", null=True)
    event = CoreRef("Event", null=True)
    seen_at = Timestamptz(default=None, null=True)


class BoardVisit(TenantTable, tablename="visit", schema="notice_boards"):
    """A visit to a board (巡检)."""

    board = TenantFK(NoticeBoard)
    note = Text()


TABLES = (NoticeBoard, BoardVisit)
