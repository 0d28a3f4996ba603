"""Reading ledgers (查阅台账): pages of rows in the actor's sight, as the cells of a table."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from jingwei_core.evidence.links import VIEW, signed_link
from jingwei_core.ledgers.rules import WORDS, Ledger, Source
from jingwei_core.reading.sight import Arguments, Present, Sight, beyond
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid

LINKED = ("links_before", "links_after")
_TIME = "%Y-%m-%d %H:%M"

Row = Mapping[str, Any]

_EVENTS = """
SELECT t.id, t.number, t.title, t.is_final, t.state, t.workflow, t.created_at AS reported_at,
       coalesce(t.due_at, t.state_due_at) AS due_at, t.closed_at,
       k.name AS kind, k.name_en AS kind_en, p.name AS place, p.name_en AS place_en,
       f.name AS found_by, r.name AS reported_by, o.name AS owned_by,
       d.name AS owned_department, d.name_en AS owned_department_en,
       s.name AS solved_by, c.name AS checked_by,
       (SELECT count(*) FROM core.step_evidence e WHERE e.event = t.id AND e.phase = 'before')
         AS evidence_before,
       (SELECT count(*) FROM core.step_evidence e WHERE e.event = t.id AND e.phase = 'after')
         AS evidence_after,
       z.at AS struck_off_at, z.actor_name AS struck_off_by
  FROM core.event t
  JOIN core.event_kind k ON k.tenant_id = t.tenant_id AND k.id = t.kind
  JOIN core.place p ON p.tenant_id = t.tenant_id AND p.id = t.place_id
  LEFT JOIN core.account f ON f.tenant_id = t.tenant_id AND f.id = t.found_by
  LEFT JOIN core.account r ON r.tenant_id = t.tenant_id AND r.id = t.reporter
  LEFT JOIN core.account o ON o.tenant_id = t.tenant_id AND o.id = t.owned_by
  LEFT JOIN core.department d ON d.tenant_id = t.tenant_id AND d.id = t.owned_department
  LEFT JOIN core.account s ON s.tenant_id = t.tenant_id AND s.id = t.solved_by
  LEFT JOIN core.account c ON c.tenant_id = t.tenant_id AND c.id = t.checked_by
  LEFT JOIN LATERAL (
      SELECT l.at, l.actor_name FROM core.event_step l
       WHERE l.event = t.id AND l.to_state = t.state AND l.from_state <> t.state
         AND t.is_final AND t.state = ANY({struck_off}::text[])
       ORDER BY l.sequence DESC LIMIT 1) z ON true
 WHERE {seen} AND {under} AND {after}
   AND ({kinds}::text[] = '{{}}' OR EXISTS (SELECT 1 FROM unnest({kinds}::text[]) AS n(prefix)
        WHERE k.code = prefix OR starts_with(k.code, prefix || '.')))
   AND NOT ({open_only}::boolean AND t.is_final)
 ORDER BY t.id LIMIT {most}
"""
_ORGANISATIONS = """
SELECT t.id, t.name, t.kind, t.credit_code, t.address, p.name AS place, p.name_en AS place_en
  FROM core.organisation t
  JOIN core.place p ON p.tenant_id = t.tenant_id AND p.id = t.place_id
 WHERE {seen} AND {under} AND {after}
   AND ({kinds}::text[] = '{{}}' OR t.kind = ANY({kinds}::text[]))
 ORDER BY t.id LIMIT {most}
"""
_STAFF = """
SELECT t.id, a.name, r.name AS role, r.name_en AS role_en, d.name AS department,
       d.name_en AS department_en, p.name AS place, p.name_en AS place_en, t.valid_from AS since
  FROM core.post t
  JOIN core.account a ON a.tenant_id = t.tenant_id AND a.id = t.account AND a.status = 'active'
  JOIN core.role r ON r.tenant_id = t.tenant_id AND r.id = t.role
  JOIN core.place p ON p.tenant_id = t.tenant_id AND p.id = t.place_id
  LEFT JOIN core.department d ON d.tenant_id = t.tenant_id AND d.id = t.department
 WHERE {seen} AND {under} AND {after} AND t.covers IS NULL
   AND t.valid_from <= {now} AND (t.valid_to IS NULL OR t.valid_to > {now})
   AND ({roles}::text[] = '{{}}' OR r.code = ANY({roles}::text[]))
 ORDER BY t.id LIMIT {most}
"""
_VISITS = """
SELECT t.id, t.day, p.name AS place, p.name_en AS place_en, t.outcome,
       t.event IS NOT NULL AS found
  FROM core.visit t
  JOIN core.place p ON p.tenant_id = t.tenant_id AND p.id = t.place_id
 WHERE {seen} AND {under} AND {after}
 ORDER BY t.id LIMIT {most}
"""
_SOURCES = {
    Source.EVENT: ("Event", _EVENTS),
    Source.ORGANISATION: ("Organisation", _ORGANISATIONS),
    Source.STAFF: ("Post", _STAFF),
    Source.VISIT: ("Visit", _VISITS),
}
_PICTURES = """
SELECT s.event, s.phase, e.* FROM core.step_evidence s
  JOIN core.evidence e ON e.tenant_id = s.tenant_id AND e.id = s.evidence
 WHERE s.event = ANY($1::uuid[]) AND s.phase IN ('before', 'after') ORDER BY s.id
"""


class Wanted(msgspec.Struct, frozen=True):
    """A part of a ledger: what lies at the place with this path and below it, behind the row
    ``after``, at most ``most`` rows."""

    ledger: Ledger
    path: str
    most: int
    after: uuid.UUID | None = None


class LedgerRow(msgspec.Struct, frozen=True):
    """A row of a ledger: its cells in the order of the columns."""

    id: uuid.UUID
    cells: tuple[str, ...]


async def page_of(ctx: Context, wanted: Wanted) -> list[LedgerRow]:
    """The next rows of a ledger, the oldest first; only what the actor may see."""
    rows = await _rows(ctx, wanted)
    ledger = wanted.ledger
    links = await _links(ctx, rows) if set(LINKED) & set(ledger.columns) else {}
    states = await _states(ctx, rows) if "state" in ledger.columns else {}
    return [
        LedgerRow(
            row["id"],
            tuple(_cell(ctx, row, name, {**links, **states}) for name in ledger.columns),
        )
        for row in rows
    ]


async def _rows(ctx: Context, wanted: Wanted) -> Sequence[Row]:
    assert isinstance(ctx, CoreContext)
    ledger = wanted.ledger
    name, sql = _SOURCES[ledger.source]
    arguments = Arguments()
    sight = Sight(Present(ctx), ctx.registry, arguments)
    seen = sight.condition(ctx.registry.record(name), "t")
    low, high = arguments.add(wanted.path), arguments.add(beyond(wanted.path))
    after = "true" if wanted.after is None else f"t.id > {arguments.add(wanted.after, 'uuid')}"
    parts = {
        "seen": seen,
        "under": f"t.place_path >= {low} AND t.place_path < {high}",
        "after": after,
        "most": arguments.add(wanted.most, "bigint"),
    }
    values = {
        "kinds": list(ledger.kinds),
        "roles": list(ledger.roles),
        "open_only": ledger.open_only,
        "struck_off": list(ledger.struck_off),
        "now": ctx.clock.now(),
    }
    # Only what the statement speaks of: the server refuses a parameter that nothing uses.
    parts |= {key: arguments.add(given) for key, given in values.items() if f"{{{key}}}" in sql}
    return await ctx.data.fetch(sql.format(**parts), *arguments.values)


async def _links(ctx: Context, rows: Sequence[Row]) -> dict[tuple[uuid.UUID, str], str]:
    """Links to the pictures of events, good for a few minutes, by event and column."""
    assert isinstance(ctx, CoreContext)
    store, lasts_s = ctx.platform.store, ctx.platform.evidence_settings.link_s
    found: dict[tuple[uuid.UUID, str], str] = {}
    for row in await ctx.data.fetch(_PICTURES, [row["id"] for row in rows]):
        link = await signed_link(store, row, VIEW, lasts_s)
        key = (row["event"], f"links_{row['phase']}")
        found[key] = " ".join(filter(None, (found.get(key), link)))
    return found


async def _states(ctx: Context, rows: Sequence[Row]) -> dict[tuple[uuid.UUID, str], str]:
    """The names of the states in which events are."""
    assert isinstance(ctx, CoreContext)
    definitions = (await ctx.configuration.get()).definitions
    found = {}
    for row in rows:
        state = definitions[row["workflow"]].state(row["state"])
        name = state.name_en if ctx.locale == "en" else state.name_zh
        found[row["id"], "state"] = name
    return found


def _cell(ctx: Context, row: Row, name: str, made: Mapping[tuple[uuid.UUID, str], str]) -> str:
    if name in LINKED or (row["id"], name) in made:
        return made.get((row["id"], name), "")
    value = row[name]
    if name in WORDS:
        zh, en = WORDS[name][value]
        return en if ctx.locale == "en" else zh
    if ctx.locale == "en":
        value = row.get(f"{name}_en") or value
    if isinstance(value, datetime):
        return value.astimezone(ctx.tenant.timezone).strftime(_TIME)
    return "" if value is None else str(value)


def row_after(text: str) -> uuid.UUID | None:
    """Where a page goes on; raises ``Invalid`` (``LEDGER_AFTER``) for any other text."""
    try:
        return uuid.UUID(text) if text else None
    except ValueError as error:
        raise Invalid("LEDGER_AFTER", field="after") from error
