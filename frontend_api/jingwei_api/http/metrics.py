"""GET /metrics: figures for monitoring (监控指标), in the text format of Prometheus.

They are of the whole deployment, so whoever asks holds its token. No tenant is named: what stands
there of plugins are sums over all of them; ``jingwei plugin health`` says in which tenant.
"""

import hmac
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector
from pydantic import SecretStr

from jingwei_api.http.services import services_of
from jingwei_core.plugins.health import PluginHealth, plugin_health
from jingwei_sdk.errors import Unauthenticated

METRICS_PATH = "/metrics"
_POINT = ("plugin", "point")


def metrics_handlers(token: SecretStr | None) -> Sequence[HTTPRouteHandler]:
    """The page, for who sends ``token``; none without a token."""
    if token is None:
        return ()
    expected = f"Bearer {token.get_secret_value()}".encode()

    @get(METRICS_PATH, summary="Figures for monitoring")
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        """The process and the plugins; raises ``Unauthenticated`` (``METRICS_TOKEN``)."""
        said = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(said, expected):
            raise Unauthenticated("METRICS_TOKEN")
        async with services_of(request).platform.database.platform() as unit:
            health = await plugin_health(unit)
        headers = {"Cache-Control": "no-store"}
        return Response(told(health), media_type=CONTENT_TYPE_LATEST, headers=headers)

    return (metrics,)


def told(health: Iterable[PluginHealth]) -> bytes:
    """The whole page."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Plugins(health))
    return generate_latest(registry)


class _Plugins(Collector):
    """How calls of plugins ended, by plugin and point."""

    def __init__(self, health: Iterable[PluginHealth]) -> None:
        self._points: dict[tuple[str, str], list[PluginHealth]] = defaultdict(list)
        for one in health:
            self._points[one.plugin, one.point].append(one)

    def collect(self) -> Iterator[Metric]:
        """Three families: calls by outcome, seconds in them, tenants where one is paused."""
        calls = CounterMetricFamily(
            "jingwei_plugin_calls", "Calls of a plugin's code.", labels=(*_POINT, "outcome")
        )
        seconds = CounterMetricFamily(
            "jingwei_plugin_seconds", "Seconds spent in a plugin's code.", labels=_POINT
        )
        paused = GaugeMetricFamily(
            "jingwei_plugin_paused_tenants", "Tenants where its breaker is open.", labels=_POINT
        )
        for point, found in self._points.items():
            for outcome in ("succeeded", "failed", "timed_out"):
                calls.add_metric((*point, outcome), sum(getattr(one, outcome) for one in found))
            seconds.add_metric(point, sum(map(_seconds, found)))
            paused.add_metric(point, sum(one.state == "paused" for one in found))
        yield from (calls, seconds, paused)


def _seconds(one: PluginHealth) -> float:
    return one.mean_us * (one.succeeded + one.failed + one.timed_out) / 1_000_000
