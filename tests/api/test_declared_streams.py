"""Streams that a plugin declares: named after it, of its own records, and refused otherwise."""

from dataclasses import replace

import pytest

from jingwei_api.schema.builder import lean_schema
from jingwei_api.schema.name_check import clashes
from jingwei_core.contribution import core_contribution, core_manifest
from jingwei_core.plugins.claims import claims_of
from jingwei_core.plugins.conformance import objections
from jingwei_core.plugins.description import contributions
from jingwei_core.plugins.discovery import discover
from jingwei_core.plugins.registry_checks import Candidate
from jingwei_core.registry import build_registry
from jingwei_core.tables import core_records
from jingwei_sdk.errors import Refused
from jingwei_sdk.subscriptions import Subscription

(SAFETY,) = [found for found in discover() if found.id == "safety-production"]


def _with(*streams: Subscription) -> Candidate:
    assert SAFETY.plugin is not None
    return Candidate(replace(SAFETY.plugin, subscriptions=streams), SAFETY.manifest)


@pytest.mark.parametrize("name", ["HazardChanges", "safety-hazards", "safety__hazards", ""])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(Refused) as refusal:
        Subscription(name)
    assert refusal.value.code == "SUBSCRIPTION_NAME"


def test_a_stream_is_shown_claimed_and_there_only_with_its_plugin() -> None:
    core, plugin = core_contribution(), SAFETY.plugin
    assert plugin is not None
    assert contributions(plugin)["subscriptions"] == ["safety_hazard_changes"]
    assert contributions(core)["subscriptions"] == ["changes"]
    assert "subscription:safety_hazard_changes" in claims_of(plugin)
    for packages, fields in (
        ([core], ["changes"]),
        ([core, plugin], ["changes", "safetyHazardChanges"]),
    ):
        schema = lean_schema(build_registry(packages))
        assert schema.subscription_type is not None
        assert sorted(schema.subscription_type.fields) == fields
        assert ("SafetyHazardChange" in schema.type_map) == (len(fields) == 2)


def test_a_stream_carries_the_prefix_and_follows_a_record_of_its_plugin() -> None:
    core = Candidate(core_contribution(), core_manifest())
    plugin = SAFETY.plugin
    assert plugin is not None
    assert SAFETY.manifest is not None
    hazard = next(record for record in plugin.records if record.name == "SafetyHazard")
    assert clashes([core, _with(Subscription("safety_hazard_changes", hazard))]) == []
    (clash,) = clashes([core, _with(Subscription("hazard_changes", hazard))])
    assert clash.plugin == "safety-production"
    assert "Subscription.hazardChanges" in clash.reason
    (taken,) = clashes([core, _with(Subscription("changes"))])
    assert "Subscription.changes" in taken.reason

    event = next(record for record in core_records() if record.name == "Event")
    foreign, _ = _with(Subscription("safety_events", event))
    said = "the subscription safety_events follows Event, no record of the plugin"
    assert said in list(objections(foreign, SAFETY.manifest))
