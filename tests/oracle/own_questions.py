"""The core's own questions, answered naively: me, my queue, my area, place at, duplicates."""

import math
import uuid
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from shapely import Point
from shapely.geometry import shape

from tests.oracle.pages import Told, global_id
from tests.oracle.stored import Row
from tests.oracle.viewer import Viewer

E7 = 10_000_000
EARTH_M = 6_371_008.8
MOST_HINTS = 10
USUAL_RADIUS_M, USUAL_DAYS = 50, 7
ZONE = ZoneInfo("Asia/Shanghai")
"""The time zone of every tenant of these tests."""


def me(viewer: Viewer) -> Mapping[str, Any]:
    """The signed-in account."""
    account = viewer.account

    def posts(asked: Any, given: Mapping[str, Any]) -> Any:
        seen = viewer.rows(viewer.registry.record("Post"))
        return asked.page("Post", [row for row in seen if row["account"] == account], given)

    return {
        "id": global_id("Account", account),
        "name": viewer.name,
        "account": lambda asked, given: asked.by_column("Account", "id", account),
        "posts": posts,
        "permissions": sorted({grant for grant, _ in viewer.grants}),
    }


def area(viewer: Viewer) -> list[Row]:
    """The events that lie where the account's posts are."""
    rows = viewer.rows(viewer.registry.record("Event"))
    return [row for row in rows if viewer.holds("event.read", row["place_path"])]


def queue(viewer: Viewer) -> list[Row]:
    """The open events that the account may lead on."""
    rows = viewer.rows(viewer.registry.record("Event"))
    return [row for row in rows if not row["is_final"] and _waits_for(viewer, row)]


def tasks(viewer: Viewer) -> list[Row]:
    """The tasks that wait for the account."""
    return [
        row
        for row in viewer.rows(viewer.registry.record("EventTask"))
        if not row["is_final"]
        and row["state"] in ("open", "accepted")
        and viewer.holds("event.task.handle", row["place_path"])
        and (
            row["assignee"] in viewer.desks
            or (row["assignee"] is None and row["department"] in viewer.departments)
        )
    ]


def reports_waiting(viewer: Viewer) -> list[Row]:
    """The reports upward that the account may acknowledge."""
    return [
        row
        for row in viewer.rows(viewer.registry.record("EventReportUp"))
        if row["acknowledged_at"] is None
        and (
            row["account"] in viewer.desks
            or (row["account"] is None and viewer.holds("event.supervise", row["place_path"]))
        )
    ]


def visits_due(viewer: Viewer, days_late: int) -> list[Row]:
    """The open needs whose next visit was due so many days ago or earlier."""
    last = viewer.now.astimezone(ZONE).date() - timedelta(days=days_late)
    return [
        row
        for row in viewer.rows(viewer.registry.record("VisitNeed"))
        if row["ended_on"] is None and row["next_due_on"] <= last
    ]


def lacking_actors(viewer: Viewer, place: uuid.UUID | None) -> list[Row]:
    """The events that ended as expected and lack one of the five actors, at a place or anywhere."""
    below = viewer.stored.one("Place", place) if place is not None else None
    if place is not None and below is None:
        return []
    return [
        row
        for row in viewer.rows(viewer.registry.record("Event"))
        if row["is_final"]
        and row["merged_into"] is None
        and row["state"] in _expected_ends(viewer)
        and (below is None or row["place_path"].startswith(below["path"]))
        and (
            (row["found_by"] is None and row["source"] != "grid_worker")
            or row["reporter"] is None
            or (row["owned_by"] is None and row["owned_department"] is None)
            or row["solved_by"] is None
            or row["checked_by"] is None
        )
    ]


def _expected_ends(viewer: Viewer) -> set[str]:
    ends = set()
    for workflow in viewer.stored.rows["Workflow"]:
        states = workflow["definition"]["states"]
        final = {state["code"] for state in states if state["kind"] == "final"}
        for action in workflow["definition"]["actions"]:
            from_others = any(state != action["to"] for state in action["from"])
            if from_others and "reason" not in action.get("requires", ()):
                ends |= {action["to"]} & final
    return ends


def amber(viewer: Viewer) -> list[Row]:
    """The open events that were to be warned of and are not due yet."""
    return [
        row
        for row in viewer.rows(viewer.registry.record("Event"))
        if not row["is_final"]
        and row["warn_at"] is not None
        and row["state_due_at"] is not None
        and row["warn_at"] <= viewer.now <= row["state_due_at"]
    ]


def _waits_for(viewer: Viewer, event: Row) -> bool:
    for action in _onward(viewer, event):
        if not viewer.holds(action["permission"], event["place_path"]):
            continue
        if action.get("by", "anyone") == "anyone" or _is_mine(viewer, event):
            return True
    return False


def _onward(viewer: Viewer, event: Row) -> Iterator[Mapping[str, Any]]:
    """The actions that lead on from the event's state and are no exceptions."""
    workflow = viewer.stored.one("Workflow", event["workflow"])
    assert workflow is not None
    final = {s["code"] for s in workflow["definition"]["states"] if s["kind"] == "final"}
    for action in workflow["definition"]["actions"]:
        is_onward = action["to"] != event["state"] and "reason" not in action.get("requires", ())
        if is_onward and event["state"] in action["from"] and event["state"] not in final:
            yield action


def _is_mine(viewer: Viewer, event: Row) -> bool:
    if event["assigned_account"] is not None:
        return bool(event["assigned_account"] == viewer.account)
    return event["assigned_department"] in viewer.departments


def _check_position(given: Mapping[str, Any]) -> None:
    if given["crs"] not in ("EPSG:4490", "EPSG:4326"):
        raise Told("CRS_UNSUPPORTED" if given["crs"] else "CRS_MISSING")
    if not (73 <= given["lon"] <= 136 and 3 <= given["lat"] <= 54):
        raise Told("POSITION_OUTSIDE")


def place_at(viewer: Viewer, given: Mapping[str, Any]) -> uuid.UUID | None:
    """The deepest place valid today whose polygon holds a position."""
    _check_position(given)
    today = viewer.now.astimezone(ZONE).date()
    point = Point(round(given["lon"] * E7) / E7, round(given["lat"] * E7) / E7)
    found = []
    for each in viewer.stored.rows["PlaceShape"]:
        place = viewer.stored.one("Place", each["place"])
        assert place is not None
        is_over = place["valid_to"] is not None and place["valid_to"] <= today
        if place["valid_from"] <= today and not is_over and shape(each["geometry"]).covers(point):
            found.append((-place["depth"], place["path"], place["id"]))
    return min(found)[2] if found else None


def duplicates(viewer: Viewer, given: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The nearest open events of a kind."""
    kinds = viewer.stored.where("EventKind", "code", given["kindCode"].strip())
    if not kinds or not kinds[0]["is_active"]:
        raise Told("EVENT_KIND_UNKNOWN")
    if not kinds[0]["workflow"]:
        raise Told("EVENT_KIND_NOT_LEAF")
    _check_position(given)
    radius, days = kinds[0]["duplicate_radius_m"], kinds[0]["duplicate_days"]
    radius = USUAL_RADIUS_M if radius is None else radius
    since = viewer.now - timedelta(days=USUAL_DAYS if days is None else days)
    near = []
    for row in viewer.rows(viewer.registry.record("Event")):
        if row["is_final"] or row["kind"] != kinds[0]["id"] or row["created_at"] < since:
            continue
        if row["lon_e7"] is None or row["lat_e7"] is None:
            continue
        metres = _metres(given, row)
        if metres <= radius:
            near.append((metres, row))
    near.sort(key=lambda pair: (pair[0], pair[1]["id"]))
    return [_hint(metres, row) for metres, row in near[:MOST_HINTS]]


def _hint(metres: float, row: Row) -> Mapping[str, Any]:
    def event(asked: Any, given: Mapping[str, Any]) -> Any:
        return asked.by_column("Event", "id", row["id"])

    return {"event": event, "distanceM": round(metres)}


def _metres(given: Mapping[str, Any], row: Row) -> float:
    """The great-circle distance (spherical law of cosines would lose digits: haversine)."""
    here = (round(given["lon"] * E7) / E7, round(given["lat"] * E7) / E7)
    lon1, lat1, lon2, lat2 = map(math.radians, (*here, row["lon_e7"] / E7, row["lat_e7"] / E7))
    chord = math.sin((lat2 - lat1) / 2) ** 2
    chord += math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_M * math.asin(min(1.0, math.sqrt(chord)))
