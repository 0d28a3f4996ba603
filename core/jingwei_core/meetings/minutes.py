"""Minutes (会议纪要) as a document: made of the rows alone; the same rows make the same bytes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any

import msgspec

from jingwei_core.meetings.minutes_words import words_of
from jingwei_core.meetings.rules import Series
from jingwei_core.meetings.states import ItemState
from jingwei_core.meetings.tables import Meeting
from jingwei_sdk.context import Context

MEDIA_TYPE = "text/html"
_TIME = "%Y-%m-%d %H:%M"

_HEAD = """
SELECT p.name, p.name_en, a.name AS chair FROM core.place p
  LEFT JOIN core.account a ON a.id = $2 WHERE p.id = $1
"""
_ATTENDANCE = """
SELECT a.name, s.name AS substitute, t.expected_as, t.state,
       r.name AS role, r.name_en AS role_en, d.name AS department, d.name_en AS department_en
  FROM core.meeting_attendance t
  JOIN core.account a ON a.tenant_id = t.tenant_id AND a.id = t.account
  LEFT JOIN core.account s ON s.tenant_id = t.tenant_id AND s.id = t.substitute
  LEFT JOIN core.role r ON r.tenant_id = t.tenant_id AND r.code = t.role
  LEFT JOIN core.department d ON d.tenant_id = t.tenant_id AND d.id = t.department
 WHERE t.meeting = $1 ORDER BY t.expected_as, a.login
"""
_ITEMS = """
SELECT i.*, e.number AS event_number, e.title AS event_title,
       coalesce(e.is_final, false) AS is_ended, e.closed_at AS ended_at,
       d.name AS department, d.name_en AS department_en, a.name AS account, s.name AS supervisor
  FROM core.meeting_item i
  LEFT JOIN core.event e ON e.tenant_id = i.tenant_id AND e.id = i.event
  LEFT JOIN core.department d ON d.tenant_id = i.tenant_id AND d.id = i.assigned_department
  LEFT JOIN core.account a ON a.tenant_id = i.tenant_id AND a.id = i.assigned_account
  LEFT JOIN core.account s ON s.tenant_id = i.tenant_id AND s.id = i.supervised_by
 WHERE i.meeting = $1 ORDER BY i.number
"""
_STYLE = (
    "body{font-family:serif;max-width:60em;margin:2em auto}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #888;padding:.3em;text-align:left;vertical-align:top}"
)

Row = Mapping[str, Any]


class Closing(msgspec.Struct, frozen=True):
    """When and in which language the minutes are made."""

    at: datetime
    language: str


async def items_of(ctx: Context, meeting: Meeting) -> Sequence[Row]:
    """The items with what they name, in their order."""
    return await ctx.data.fetch(_ITEMS, meeting.id)


def outcome(item: Row, at: datetime) -> ItemState:
    """What had become of an item by ``at``: solved when its event was closed or a result told."""
    told: datetime | None = item["ended_at"] if item["is_ended"] else item["solved_at"]
    if told is not None and told <= at:
        return ItemState.SOLVED
    return ItemState.OPEN if item["kind"] in ("report", "plan") else ItemState.CARRIED


async def render(ctx: Context, meeting: Meeting, series: Series, closing: Closing) -> bytes:
    """The minutes of a meeting that is closed at ``closing.at``, as HTML in UTF-8."""
    head = (await ctx.data.fetch(_HEAD, meeting.place_id, meeting.chair))[0]
    attendance = await ctx.data.fetch(_ATTENDANCE, meeting.id)
    items = await items_of(ctx, meeting)
    page = _Page(closing, ctx.tenant.timezone)
    title = f"{series.name(closing.language)} {page.word('minutes')}"
    facts = (
        ("place", page.named(head, "name")),
        ("planned", page.time(meeting.planned_at)),
        ("held", page.time(meeting.held_at)),
        ("closed", page.time(closing.at)),
        ("chair", head["chair"] or ""),
    )
    body = [
        f"<h1>{escape(title)}</h1>",
        *(f"<p>{page.word(name)}: {escape(told)}</p>" for name, told in facts),
        f"<h2>{page.word('attendance')}</h2>",
        page.table(
            ("name", "role", "department", "as", "came", "substitute"),
            (page.attendant(row) for row in attendance),
        ),
        f"<h2>{page.word('items')}</h2>",
        page.table(
            ("number", "kind", "matter", "decision", "assigned", "due", "outcome"),
            (page.item(row) for row in items),
        ),
    ]
    lang = "en" if closing.language == "en" else "zh-CN"
    text = (
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        + "\n".join(body)
        + "</body></html>\n"
    )
    return text.encode()


class _Page:
    """How values are written in a language and a time zone."""

    def __init__(self, closing: Closing, zone: Any) -> None:
        self._closing, self._zone = closing, zone
        self._words = words_of(closing.language)

    def word(self, name: str) -> str:
        return self._words[name]

    def time(self, at: datetime | None) -> str:
        return "" if at is None else at.astimezone(self._zone).strftime(_TIME)

    def named(self, row: Row, name: str) -> str:
        own = row[f"{name}_en"] if self._closing.language == "en" else ""
        return own or row[name] or ""

    def attendant(self, row: Row) -> tuple[str, ...]:
        return (
            row["name"],
            self.named(row, "role"),
            self.named(row, "department"),
            self.word(f"as.{row['expected_as']}"),
            self.word(f"came.{row['state']}"),
            row["substitute"] or "",
        )

    def item(self, row: Row) -> tuple[str, ...]:
        told = (row["event_number"], row["event_title"], row["text"])
        whose = (self.named(row, "department"), row["account"])
        return (
            str(row["number"]),
            self.word(f"kind.{row['kind']}"),
            " ".join(filter(None, told)),
            row["decision"],
            " ".join(filter(None, whose)),
            self.time(row["due_at"]),
            self._outcome(row),
        )

    def _outcome(self, row: Row) -> str:
        state = outcome(row, self._closing.at)
        told = [self.word(f"outcome.{state}")]
        if state is ItemState.SOLVED:
            told.append(row["result"])
        if row["carried_count"]:
            told.append(self.word("times_carried").format(count=row["carried_count"]))
        if row["supervisor"]:
            told.append(self.word("supervised").format(name=row["supervisor"]))
        return "; ".join(filter(None, told))

    def table(self, columns: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
        head = "".join(f"<th>{self.word(name)}</th>" for name in columns)
        lines = [
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
        ]
        return f"<table><tr>{head}</tr>\n" + "\n".join(lines) + "</table>"
