"""Questions of routing (分流提问): which reports wait for me, where an event would go, which events
lack one of the five."""

import uuid
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

import msgspec

from jingwei_core.events.kinds import reportable_kind
from jingwei_core.events.records import EVENT
from jingwei_core.events.reporting import IntakeSource, PlaceId
from jingwei_core.events.workflow import PREVIOUS, WorkflowDefinition, leads_on
from jingwei_core.routing.records import REPORT_UP
from jingwei_core.routing.reports_up import SUPERVISE
from jingwei_core.routing.router import decide
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.narrowing import (
    AnyOf,
    Asker,
    AtLeast,
    AtMost,
    Condition,
    Equal,
    IsNull,
    Narrowed,
    OneOf,
    Under,
    Written,
)
from jingwei_sdk.questions import Question


def reports_waiting(asker: Asker) -> Narrowed:
    """The reports that nobody has acknowledged yet: those to the asker or to whom the asker covers,
    and those to nobody where the asker supervises events."""
    unheard = IsNull("acknowledged_at")
    supervised = Under("place_path", tuple(asker.permissions.paths(SUPERVISE)))
    mine = (unheard, OneOf("account", asker.actor.desks))
    return Narrowed((AnyOf((mine, (unheard, IsNull("account"), supervised))),))


class LackingQuestion(msgspec.Struct, frozen=True):
    """Where to look."""

    place_id: Annotated[
        PlaceId | None, msgspec.Meta(description="A place; all below it counts. Null: everywhere.")
    ] = None


_BELOW = "starts_with({row}.place_path, (SELECT path FROM core.place WHERE id = {place}::uuid))"


def events_lacking_actors(asker: Asker, given: LackingQuestion) -> Narrowed:
    """Events that ended as expected and lack one who found, reported, owned, solved or checked.

    Who reports what they found themselves, as a grid worker does, is taken to have found it.
    """
    found = (IsNull("found_by"), Written("{row}.source <> {own}", {"own": _OWN}))
    lacks = [("reporter",), ("owned_by", "owned_department"), ("solved_by",), ("checked_by",)]
    groups = [found, *(tuple(IsNull(name) for name in names) for names in lacks)]
    where: list[Condition] = [
        Equal("is_final", value=True),
        IsNull("merged_into"),
        OneOf("state", _expected_ends(asker.rules.definitions.values())),
        AnyOf(tuple(groups)),
    ]
    if given.place_id is not None:
        where.append(Written(_BELOW, {"place": given.place_id}))
    return Narrowed(tuple(where))


_OWN = IntakeSource.GRID_WORKER.value


def _expected_ends(definitions: Iterable[WorkflowDefinition]) -> tuple[str, ...]:
    ends = {
        action.to
        for definition in definitions
        for action in definition.actions
        for state in action.from_
        if action.to != PREVIOUS and definition.is_final(action.to) and leads_on(action, state)
    }
    return tuple(sorted(ends))


def events_amber(asker: Asker) -> Narrowed:
    """Open events that were to be warned of and are not due yet."""
    return Narrowed(
        (
            Equal("is_final", value=False),
            AtMost("warn_at", asker.now),
            AtLeast("state_due_at", asker.now),
        )
    )


class DecidedBy(StrEnum):
    """What says where an event goes."""

    ROUTE = "route"
    KIND = "kind"
    NOBODY = "nobody"


class RouteQuestion(msgspec.Struct, frozen=True):
    """An event that might be reported."""

    kind_code: Annotated[str, msgspec.Meta(description="Code of a leaf kind.")]
    place_id: PlaceId


class RouteAnswer(msgspec.Struct, frozen=True):
    """Where events of a kind go at a place (分流去向)."""

    decided_by: Annotated[str, msgspec.Meta(description="route, kind or nobody")]
    department: Annotated[str | None, msgspec.Meta(description="Code of the department.")]
    department_name: str | None
    kind: Annotated[str, msgspec.Meta(description="The kind that the route is for; empty: any.")]
    level: Annotated[str, msgspec.Meta(description="The level that the route is for, or empty.")]
    place: Annotated[str, msgspec.Meta(description="Code of the place that decided, or empty.")]


async def route_of(ctx: Context, asked: RouteQuestion) -> RouteAnswer:
    """Where an event would go, and the rule that says so; raises ``NotFound`` for a place out of
    sight, ``Invalid`` for an unknown kind."""
    assert isinstance(ctx, CoreContext)
    kind = await reportable_kind(ctx, asked.kind_code, by_plugin=True)
    place = await ctx.records.get(ctx, "Place", asked.place_id)
    found = await decide(ctx, kind.code, place["path"])
    if found is None:
        by = DecidedBy.NOBODY if kind.department is None else DecidedBy.KIND
        return await _told(ctx, by, kind.department, ("", "", ""))
    routes = (await ctx.configuration.get()).routes
    rule = next(route for route in routes if route.id == found.rule)
    return await _told(ctx, DecidedBy.ROUTE, found.department, (rule.kind, rule.level, found.at))


async def _told(
    ctx: Context, by: DecidedBy, department: uuid.UUID | None, rule: tuple[str, str, str]
) -> RouteAnswer:
    rows = await ctx.data.fetch(
        "SELECT code, name, name_en FROM core.department WHERE id = $1", department
    )
    if not rows:
        return RouteAnswer(by.value, None, None, *rule)
    name = rows[0]["name_en" if ctx.locale == "en" else "name"]
    return RouteAnswer(by.value, rows[0]["code"], name, *rule)


QUESTIONS = (
    Question(
        "reports_waiting",
        REPORT_UP,
        narrow=reports_waiting,
        is_page=True,
        signed_in=True,
        cost=2,
        description="Reports upward that wait for my acknowledgement (待我确认的报告).",
    ),
    Question(
        "events_lacking_actors",
        EVENT,
        narrow=events_lacking_actors,
        input=LackingQuestion,
        is_page=True,
        needs_rules=True,
        signed_in=True,
        cost=10,
        description="Closed events that lack one of the five actors (五有缺项).",
    ),
    Question(
        "events_amber",
        EVENT,
        narrow=events_amber,
        is_page=True,
        signed_in=True,
        cost=5,
        description="Open events that are due soon (黄灯预警).",
    ),
    Question(
        "route_of",
        RouteAnswer,
        resolve=route_of,
        input=RouteQuestion,
        permission="kind.read",
        cost=5,
        description="Where an event of a kind would go at a place, and by which rule (分流去向).",
    ),
)
