"""Where an event goes (分流): the tenant's routes by kind, place and department.

The most specific kind decides first, then the nearest place upward. A route for a level names a
department above: the one of its branches that serves the event's place of that level is meant
(扁平化分流: straight to the subdistrict's, the district's or the city's).
"""

import uuid
from collections.abc import Sequence

import msgspec

from jingwei_core.events.configuration import Route
from jingwei_core.events.tables import Event
from jingwei_core.places.labels import ancestor_paths
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context

_DECIDE = """
WITH RECURSIVE above AS MATERIALIZED (
    SELECT id, code, level, depth FROM core.place WHERE path = ANY($1::text[])
),
branch AS (
    SELECT r.id AS rule, d.id, d.place FROM core.event_route r
      JOIN core.department d ON d.tenant_id = r.tenant_id AND d.id = r.department
     WHERE r.id = ANY($2::uuid[]) AND r.level <> ''
    UNION
    SELECT b.rule, d.id, d.place FROM branch b JOIN core.department d ON d.parent = b.id
)
SELECT r.id AS rule, t.department, t.at
  FROM core.event_route r
 CROSS JOIN LATERAL (
    SELECT r.department, -1 AS depth, '' AS at WHERE r.level = '' AND r.place = ''
    UNION ALL
    SELECT r.department, a.depth, a.code FROM above a WHERE r.place <> '' AND a.code = r.place
    UNION ALL
    SELECT b.id, a.depth, a.code FROM branch b JOIN above a ON a.id = b.place
     WHERE b.rule = r.id AND a.level = r.level
 ) t
 WHERE r.id = ANY($2::uuid[])
 ORDER BY length(r.kind) DESC, t.depth DESC, t.department
 LIMIT 1
"""


class Decision(msgspec.Struct, frozen=True):
    """Which route decided, and the department that it means; ``at`` is the code of the place that
    it was decided by, empty for a route that holds everywhere."""

    rule: uuid.UUID
    department: uuid.UUID
    at: str


async def decide(ctx: Context, kind: str, place_path: str) -> Decision | None:
    """The route that decides for events of a kind at a place; ``None`` when none does.

    No statement where the tenant has no route for the kind, and none where its most specific one
    holds everywhere and is alone.
    """
    assert isinstance(ctx, CoreContext)
    routes = (await ctx.configuration.get()).routes_of(kind)
    if not routes:
        return None
    if _is_settled(routes):
        return Decision(routes[0].id, routes[0].department, "")
    paths = [*ancestor_paths(place_path), place_path]
    rows = await ctx.data.fetch(_DECIDE, paths, [route.id for route in routes])
    return Decision(rows[0]["rule"], rows[0]["department"], rows[0]["at"]) if rows else None


def _is_settled(routes: Sequence[Route]) -> bool:
    """Whether the first decides wherever the event lies."""
    first = routes[0]
    alone = len(routes) == 1 or routes[1].kind != first.kind
    return alone and not (first.level or first.place)


class PlaceRouter:
    """The port :class:`jingwei_core.events.ports.Router`, over the tenant's routes."""

    async def department(self, ctx: Context, event: Event) -> uuid.UUID | None:
        """The department for the event's kind at its place; ``None`` when no route tells."""
        assert isinstance(ctx, CoreContext)
        kind = (await ctx.configuration.get()).kind(event.kind)
        found = await decide(ctx, kind.code, event.place_path)
        return None if found is None else found.department
