"""Figures for monitoring: for who holds the deployment's token, and without a tenant's name."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from jingwei_api.app import create_app
from jingwei_api.http.metrics import metrics_handlers, told
from jingwei_api.settings import ApiSettings
from jingwei_core.platform import Platform
from jingwei_core.plugins.health import PluginHealth
from tests.api.conftest import serving
from tests.api.world import World

TOKEN = "a-token-of-this-deployment"


def health(tenant: str, state: Any, *, succeeded: int, failed: int) -> PluginHealth:
    return PluginHealth(
        *(tenant, "proof", "job:count", state),
        *(succeeded, failed, 0, 500, "", datetime(2026, 11, 22, tzinfo=UTC), None),
    )


def test_plugins_are_told_as_sums_over_all_tenants() -> None:
    page = told(
        [
            health("yichang", "paused", succeeded=3, failed=5),
            health("changzhi", "healthy", succeeded=2, failed=0),
        ]
    ).decode()
    labels = 'plugin="proof",point="job:count"'
    for line in (
        f'jingwei_plugin_calls_total{{outcome="succeeded",{labels}}} 5.0',
        f'jingwei_plugin_calls_total{{outcome="failed",{labels}}} 5.0',
        f"jingwei_plugin_seconds_total{{{labels}}} 0.005",
        f"jingwei_plugin_paused_tenants{{{labels}}} 1.0",
        "process_resident_memory_bytes ",
    ):
        assert line in page
    assert "yichang" not in page


@pytest.mark.parametrize("said", ["", TOKEN, f"Bearer {TOKEN}x", "Bearer 令牌"])
async def test_nobody_reads_them_without_the_token(
    world: World, platform: Platform, said: str
) -> None:
    settings = ApiSettings(metrics_token=SecretStr(TOKEN))
    app = create_app(platform, settings)
    async with serving(app) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/metrics", headers={b"authorization": said.encode()})
        assert answer.status_code == 401
        assert answer.json()["errors"][0]["extensions"]["code"] == "METRICS_TOKEN"
        assert "jingwei_plugin" not in answer.text

        answer = await client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["cache-control"] == "no-store"
        assert "# TYPE jingwei_plugin_calls_total counter" in answer.text


def test_without_a_token_there_is_no_such_page() -> None:
    assert metrics_handlers(None) == ()
