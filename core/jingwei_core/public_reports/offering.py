"""What the form offers (表单选项): kinds by their names, and places to choose from."""

import uuid
from dataclasses import dataclass

import msgspec

from jingwei_core.events.configuration import Kind
from jingwei_core.places.geometry import checked_position
from jingwei_core.places.labels import ancestor_paths
from jingwei_core.places.locate import locate
from jingwei_core.places.search import PLACES, find_statement
from jingwei_core.presence.visitors import MINUTE_S
from jingwei_core.public_reports.rules import Rules
from jingwei_core.public_reports.visitors import Counter
from jingwei_core.session import CoreContext

MOST_FOUND = 20
_LOOKED_AT = 200
"""Places that match before those of other levels are left out."""
_SHORTEST = 2

_LEVELS = "SELECT code FROM core.place_level WHERE is_capture_unit"
_NAMES = "SELECT path, name FROM core.place WHERE path = ANY($1::text[])"
_BY_PATH = """
SELECT id, path, name FROM core.place
 WHERE path = ANY($1::text[]) AND level = ANY($2::text[])
   AND valid_from <= $3 AND (valid_to IS NULL OR valid_to > $3)
 ORDER BY path LIMIT $4
"""
_BY_ID = """
SELECT id, path, name FROM core.place
 WHERE id = $1 AND level = ANY($2::text[])
   AND valid_from <= $3 AND (valid_to IS NULL OR valid_to > $3)
"""
_KIND_NAMES = "SELECT code, name, name_en FROM core.event_kind WHERE code = ANY($1::text[])"


class OfferedPlace(msgspec.Struct, frozen=True):
    """A place that may be chosen; ``within`` are the names above it, the widest first."""

    id: uuid.UUID
    name: str
    within: list[str]


class OfferedKind(msgspec.Struct, frozen=True):
    """A kind that may be chosen, by its name in the reader's language."""

    code: str
    name: str
    needs_photo: bool


class Offer(msgspec.Struct, frozen=True):
    """The form: its token, what may be chosen, how many photos it takes."""

    form: str
    notice: str
    kinds: list[OfferedKind]
    default_kind: str
    most_photos: int
    contact_days: int


@dataclass(frozen=True, slots=True)
class Sought:
    """What places are sought by: a part of a name, a position in degrees, or an id."""

    text: str = ""
    position: tuple[float, float, str] | None = None
    id: uuid.UUID | None = None


async def offer(counter: Counter) -> Offer:
    """A new form."""
    rules, is_english = counter.rules, counter.visitor.request.locale == "en"
    async with counter.acting() as ctx:
        kinds = await offered_kinds(ctx, rules)
    return Offer(
        form=counter.desk.form(counter.platform.clock.now()),
        notice=rules.notice_en if is_english and rules.notice_en else rules.notice_zh,
        kinds=kinds,
        default_kind=rules.kind,
        most_photos=rules.photos,
        contact_days=rules.contact_days,
    )


async def offered_kinds(ctx: CoreContext, rules: Rules) -> list[OfferedKind]:
    """The kinds of the rules that are in force, in their order."""
    rows = await ctx.data.fetch(_KIND_NAMES, list(rules.choices))
    names = {row["code"]: row for row in rows}
    configuration = await ctx.configuration.get()
    found = []
    for code in rules.choices:
        kind: Kind | None = configuration.kinds_by_code.get(code)
        if kind is not None and kind.is_active and code in names:
            name = names[code]["name_en"] if ctx.locale == "en" else ""
            found.append(OfferedKind(code, name or names[code]["name"], kind.photo_required))
    return found


async def find_places(counter: Counter, sought: Sought) -> list[OfferedPlace]:
    """The places that match and may be chosen, at most :data:`MOST_FOUND`; for a position the
    deepest place around it that may.

    Raises ``Invalid`` for a position that is none, ``RateLimited`` (``PUBLIC_TOO_OFTEN``).
    """
    most = counter.rules.limits.searches_per_minute
    await counter.count(counter.by_prefix("search", most, MINUTE_S))
    async with counter.acting() as ctx:
        levels = await levels_of(ctx, counter.rules)
        if sought.id is not None:
            rows = await ctx.data.fetch(_BY_ID, sought.id, levels, ctx.today())
        else:
            paths = await _paths(ctx, sought)
            rows = await ctx.data.fetch(_BY_PATH, paths, levels, ctx.today(), MOST_FOUND)
            if sought.position is not None:
                rows = sorted(rows, key=lambda row: -len(row["path"]))[:1]
        above = sorted({path for row in rows for path in ancestor_paths(row["path"])})
        names = {row["path"]: row["name"] for row in await ctx.data.fetch(_NAMES, above)}
    return [
        OfferedPlace(
            row["id"],
            row["name"],
            [names[path] for path in ancestor_paths(row["path"]) if path in names],
        )
        for row in rows
    ]


async def levels_of(ctx: CoreContext, rules: Rules) -> list[str]:
    """The codes of the levels whose places may be chosen."""
    if rules.levels:
        return list(rules.levels)
    return [row["code"] for row in await ctx.data.fetch(_LEVELS)]


async def _paths(ctx: CoreContext, sought: Sought) -> list[str]:
    if sought.position is not None:
        located = await locate(ctx, checked_position(*sought.position))
        return [] if located is None else [*ancestor_paths(located.path), located.path]
    if len(sought.text.strip()) < _SHORTEST:
        return []
    low, high, is_common = PLACES.bounds(sought.text)
    rows = await ctx.data.fetch(find_statement(_LOOKED_AT), low, high, is_common)
    return [row["path"] for row in rows]
