"""A guarded column may order and filter only where it could be read of every row in sight."""

from dataclasses import replace
from typing import Any, cast

import pytest

from jingwei_api.planning.building import Building
from jingwei_api.planning.wanting import mind_guards
from jingwei_core.access.permissions import Grant, PermissionSet
from jingwei_core.contribution import core_contribution
from jingwei_core.registry import build_registry
from jingwei_sdk.errors import Denied
from jingwei_sdk.records import AtPlace, OwnedBy, Record, Scope, TenantWide, Through

REGISTRY = build_registry([core_contribution()])
READ, GUARD = "organisation.read", "proof.code.read"
BY_PLACE = Through("place_id", "Place")


def _record(*scope: Scope) -> Record:
    return replace(
        REGISTRY.record("Organisation"), guarded={"credit_code": GUARD}, scope=scope, rollups=()
    )


def _refusal(record: Record, *grants: Grant) -> Denied | None:
    building, chosen, asked = Building(REGISTRY, b"", {}), cast("Any", object()), _Asked()
    asked.permissions = PermissionSet(grants)
    mind_guards(building, chosen, record, [*record.guarded])
    (probe,) = building.probes.values()
    try:
        probe.run(cast("Any", asked), probe.slot)
    except Denied as refusal:
        return refusal
    return None


class _Asked:
    permissions: Any


@pytest.mark.parametrize(
    ("grants", "of_places", "of_own"),
    [
        ((Grant("/a/", (READ, GUARD)),), True, False),
        ((Grant("/a/", (READ, GUARD)), Grant("/b/", (READ,))), False, False),
        ((Grant("/a/", (READ,)), Grant("/", (GUARD,))), True, True),
        ((Grant("/a/", (READ,)),), False, False),
    ],
)
def test_rows_seen_beside_an_area_may_lie_anywhere(
    grants: tuple[Grant, ...], *, of_places: bool, of_own: bool
) -> None:
    assert (_refusal(_record(AtPlace()), *grants) is None) is of_places
    own = _record(AtPlace(), OwnedBy("id"))
    refusal = _refusal(own, *grants)
    assert (refusal is None) is of_own
    assert (_refusal(_record(BY_PLACE, OwnedBy("id")), *grants) is None) is of_own
    if refusal is not None:
        assert (refusal.code, refusal.field) == ("PERMISSION_DENIED", "creditCode")


@pytest.mark.parametrize(
    ("grants", "is_held"),
    [
        ((Grant("/", (READ,)), Grant("/a/", ("place.read", GUARD))), True),
        ((Grant("/a/", (READ, GUARD)), Grant("/b/", ("place.read",))), False),
        ((Grant("/a/", (READ, GUARD)), Grant("/", ("place.read",))), False),
    ],
)
def test_a_row_lies_where_the_row_does_that_it_is_seen_through(
    grants: tuple[Grant, ...], *, is_held: bool
) -> None:
    assert (_refusal(_record(BY_PLACE), *grants) is None) is is_held


SCOPES = (TenantWide(), OwnedBy("id"), Through("id", "Account"))


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: type(scope).__name__)
def test_what_lies_nowhere_needs_its_guard_anywhere(scope: Scope) -> None:
    record = REGISTRY.record("Department")
    nowhere = replace(record, guarded={"duties": GUARD}, scope=(scope,), rollups=())
    assert _refusal(nowhere, Grant("/a/", (READ, GUARD))) is None
    assert _refusal(nowhere, Grant("/", (READ,))) is not None


@pytest.mark.parametrize("scope", SCOPES, ids=lambda scope: type(scope).__name__)
def test_what_is_seen_otherwise_but_lies_at_a_place_needs_its_guard_there(scope: Scope) -> None:
    assert _refusal(_record(scope), Grant("/a/", (READ, GUARD))) is not None
    assert _refusal(_record(scope), Grant("/", (READ, GUARD))) is None
