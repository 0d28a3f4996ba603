"""A switch that would take something from another plugin is refused, and nothing is stored."""

import msgspec
import pytest

from jingwei_core.contribution import core_contribution
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import Installed, PluginHost, discover
from jingwei_core.plugins.switching import switch_audited
from jingwei_sdk.errors import Conflict, Refused
from jingwei_sdk.plugin import Job, Plugin
from tests.plugins.world import PLUGIN, City


class Unheard(msgspec.Struct, frozen=True):
    """Settings that no plugin declares."""

    days: int = 1


async def nothing(ctx: object, payload: object) -> None: ...


async def test_a_plugin_that_claims_what_another_has_is_not_switched_on(
    platform: Platform, yichang: City
) -> None:
    # The later id gives way, and this one has the job of a plugin that the city has on.
    later = Plugin("zzz", "tests", jobs=(Job(f"{PLUGIN}.mark-overdue", nothing),))
    installed = [*discover(), Installed("zzz", "available", plugin=later)]
    host = PluginHost(core_contribution(), installed)
    other = Platform(platform.database, host, open_store(platform.settings))
    before = await yichang.state()
    with pytest.raises(Conflict) as refusal:
        await switch_audited(other, yichang.tenant.slug, "zzz", enabled=True, settings={})
    assert refusal.value.code == "PLUGIN_CLASHES"
    assert "mark-overdue" in str(refusal.value.params["reason"])
    assert await yichang.state() == before
    other.forget()
    assert "zzz" not in (await other.registry(yichang.tenant.id)).enabled


async def test_settings_that_nobody_declares_are_not_made_up(yichang: City) -> None:
    async with yichang.system() as ctx:
        with pytest.raises(Refused) as refusal:
            ctx.settings_of(Unheard)
    assert refusal.value.code == "SETTINGS_UNKNOWN"
