"""clash → that plugin off, others served"""

import ast
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from piccolo.columns import Text

from jingwei_core.contribution import core_contribution, core_manifest
from jingwei_core.plugins import claims
from jingwei_core.plugins.host import Installed, PluginHost
from jingwei_core.plugins.registry_checks import Candidate, Clash
from jingwei_sdk.channels import Channel, Delivered, Message
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.events import EventType
from jingwei_sdk.indicators import Indicator
from jingwei_sdk.manifest import Manifest, PermissionText, RoleText
from jingwei_sdk.plugin import EventKindDeclaration, Job, Plugin
from jingwei_sdk.presence import MapLayer, NavigationItem
from jingwei_sdk.records import Computed, Extension, Record, TenantWide
from jingwei_sdk.subscriptions import Subscription
from jingwei_sdk.tables import TenantTable

TEXTS = {
    "version": "1.0.0",
    "sdk": ">=1.0,<2",
    "name_zh": "试",
    "name_en": "Test",
    "description_zh": "试",
    "description_en": "Test",
    "licence": "Apache-2.0",
}


async def work(ctx: Context, payload: Any) -> None:
    """What a job does."""


async def counted(ctx: Context, rows: Sequence[Any]) -> list[int]:
    return [0 for _ in rows]


class Sent(msgspec.Struct, frozen=True):
    """A payload."""


class Thing(TenantTable, tablename="thing", schema="shared"):
    """A table."""

    name = Text()


class OtherThing(TenantTable, tablename="other_thing", schema="shared"):
    """Another table."""

    name = Text()


THING = Record(Thing, read="thing.read", scope=(TenantWide(),), name="SharedThing")
OTHER = Record(OtherThing, read="thing.read", scope=(TenantWide(),), plural="sharedThings")


@command("thing.make", permission="thing.make", tenant_wide=True)
async def make(ctx: Context) -> Sent:
    """A command."""
    return Sent()


@command("thing.make", permission="thing.make", tenant_wide=True)
async def make_too(ctx: Context) -> Sent:
    """A command of the same name."""
    return Sent()


@command("thing.mend-now", permission="thing.make", tenant_wide=True)
async def mend(ctx: Context) -> Sent:
    """A command whose mutation is `thingMendNow`."""
    return Sent()


@command("thing.mend.now", permission="thing.make", tenant_wide=True)
async def mend_too(ctx: Context) -> Sent:
    """Another command, and the same mutation."""
    return Sent()


async def send(ctx: Context, message: Message) -> Delivered:
    """An attempt."""
    return Delivered()


def _field(name: str) -> Extension:
    return Extension("Event", computed={name: Computed(int, ("id",), counted, "thing.read")})


# What two plugins claim, and the same by each of them.
CLAIMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "table shared.thing": ({"tables": (Thing,)}, {"tables": (Thing,)}),
    "record SharedThing": ({"records": (THING,)}, {"records": (THING,)}),
    "query sharedThings": ({"records": (THING,)}, {"records": (OTHER,)}),
    "command thing.make": ({"commands": (make,)}, {"commands": (make_too,)}),
    "mutation thingMendNow": ({"commands": (mend,)}, {"commands": (mend_too,)}),
    "subscription shared_changes": ({"subscriptions": (Subscription("shared_changes"),)},) * 2,
    "channel shared": ({"channels": (Channel("shared", "同", "Shared", send),)},) * 2,
    "job shared.tidy": ({"jobs": (Job("shared.tidy", work),)},) * 2,
    "event_kind city.shared": (
        {"event_kinds": (EventKindDeclaration("city.shared", "一", "One"),)},
        {"event_kinds": (EventKindDeclaration("city.shared", "二", "Two"),)},
    ),
    "event_type shared.thing_made.v1": (
        {"event_types": (EventType("shared.thing_made.v1", Sent),)},
    )
    * 2,
    "indicator shared.count": (
        {"indicators": (Indicator("shared.count", "Event", "数", "Count", "thing.read"),)},
    )
    * 2,
    "navigation shared.list": (
        {"navigation": (NavigationItem("shared.list", "表", "List", "Event", "thing.read"),)},
    )
    * 2,
    "map_layer shared.layer": (
        {"map_layers": (MapLayer("shared.layer", "层", "Layer", "Event", "thing.read"),)},
    )
    * 2,
    "field Event.sharedCount": ({"extensions": (_field("sharedCount"),)},) * 2,
}
GRANTS: dict[str, dict[str, Any]] = {
    "permission thing.read": {"permissions": (PermissionText("thing.read", "看", "Read"),)},
    "role shared-keeper": {"roles": (RoleText("shared-keeper", "管", "Keeper", ()),)},
    "graphql_prefix Shared": {"graphql_prefix": "Shared"},
    "permission_area shared": {"permission_prefix": "shared"},
}


NAMESPACED = {"question", "consumer", "reminder", "public_page", "public_form"}
"""Claims that hold the plugin's id: no two plugins can have the same."""


def _found(plugin_id: str, manifest: dict[str, Any], declared: dict[str, Any]) -> Installed:
    told = Manifest(id=plugin_id, **TEXTS, **manifest)
    return Installed(plugin_id, "available", told, Plugin(id=plugin_id, package="x", **declared))


def _host(installed: Iterable[Installed], **told: Any) -> PluginHost:
    return PluginHost(core_contribution(), list(installed), core_manifest=core_manifest(), **told)


@pytest.mark.parametrize("claim", [*CLAIMS, *GRANTS])
def test_the_later_of_two_that_claim_one_name_is_off_beside_the_first_and_nobody_else(
    claim: str,
) -> None:
    first, second = CLAIMS.get(claim, ({}, {}))
    granted = GRANTS.get(claim, {})
    host = _host(
        [
            _found("aaa", granted, first),
            _found("bbb", granted, second),
            _found("ccc", {}, {"jobs": (Job("ccc.tidy", work),)}),
        ],
        checks=(),
    )
    assert [found.state for found in host.installed()] == ["available"] * 3

    everything = frozenset({"aaa", "bbb", "ccc"})
    assert host.registry(everything).enabled == {"core", "aaa", "ccc"}
    off = host.off(everything)["bbb"]
    kind, name = claim.split(" ")
    assert off.state == "clash"
    assert f"kind={kind!r} name={name!r}" in off.reason
    assert "owners=['aaa', 'bbb']" in off.reason
    # Nothing of the one that is off is left behind: alone it is served whole.
    alone = host.registry(frozenset({"bbb", "ccc"}))
    assert alone.enabled == {"core", "bbb", "ccc"}
    assert set(alone.owners.values()) == {"core", "bbb", "ccc"}
    assert "bbb" not in host.registry(everything).owners.values()


def test_each_kind_of_name_that_two_plugins_can_both_claim_has_its_case() -> None:
    code = ast.parse(Path(str(claims.__file__)).read_text(encoding="utf-8"))
    kinds = {
        node.value.elts[0].value
        for node in ast.walk(code)
        if isinstance(node, ast.Yield)
        and isinstance(node.value, ast.Tuple)
        and isinstance(node.value.elts[0], ast.Constant)
    }
    # Fields on records of others are claimed where both are put together.
    assert {case.split(" ")[0] for case in (*CLAIMS, *GRANTS)} == {*kinds, "field"} - NAMESPACED


def test_what_is_the_cores_is_nobodys_and_is_seen_before_anybody_switches_it_on() -> None:
    held = PermissionText("event.read", "看", "Read")
    host = _host([_found("aaa", {"permissions": (held,)}, {})])
    (found,) = host.installed()
    assert found.state == "clash"
    assert "owners=['aaa', 'core']" in found.reason


def test_a_check_of_another_room_that_breaks_on_a_plugin_costs_that_plugin_only() -> None:
    def fragile(candidates: Sequence[Candidate]) -> Iterable[Clash]:
        ids = [candidate.plugin.id for candidate in candidates]
        if "bbb" in ids:
            raise RuntimeError("cannot be told")
        if {"ccc", "ddd"} <= set(ids):
            yield Clash("ddd", "ccc is before it")

    found = [_found(name, {}, {}) for name in ("aaa", "bbb", "ccc", "ddd")]
    needing = _found("eee", {"requires": ("ddd",)}, {"requires": ("ddd",)})
    host = _host([*found, needing], checks=(fragile,))
    everything = frozenset({"aaa", "bbb", "ccc", "ddd", "eee"})
    assert host.registry(everything).enabled == {"core", "aaa", "ccc"}
    off = host.off(everything)
    assert off["bbb"].state == "faulty_declaration"
    assert off["bbb"].reason == "RuntimeError: cannot be told"
    assert (off["ddd"].state, off["ddd"].reason) == ("clash", "ccc is before it")
    assert (off["eee"].state, off["eee"].reason) == ("needs", "needs ddd")
    assert host.registry(frozenset({"ddd", "eee"})).enabled == {"core", "ddd", "eee"}


def test_the_checks_of_the_rooms_that_are_installed_are_asked(tmp_path: Path) -> None:
    wild = Record(Thing, read="thing.read", scope=(TenantWide(),), name="EventConnection")
    assert _host([_found("aaa", {}, {"records": (wild,)})]).get("aaa").state != "available"
    assert _host([_found("aaa", {}, {"records": (wild,)})], checks=()).get("aaa").state == (
        "available"
    )
