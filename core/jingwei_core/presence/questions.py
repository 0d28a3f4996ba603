"""Questions about what plugins show (界面查询): each answers only what its reader may see.

They are questions of the core's own, declared as a plugin declares its.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from jingwei_core.presence.figures import figures_of
from jingwei_core.presence.public import is_open
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Denied
from jingwei_sdk.indicators import Indicator
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.questions import Question

PUBLIC_PATH = "/public"


class NavigationEntry(msgspec.Struct, frozen=True):
    """菜单项: an entry of the menu, by rank; it leads to the list of a record."""

    plugin: str
    code: str
    name: str
    record: str
    rank: int


class MapLayerEntry(msgspec.Struct, frozen=True):
    """地图图层: a record whose rows a map shows, and how."""

    plugin: str
    code: str
    name: str
    record: str
    shape: str
    style: dict[str, Any]


class PublicPageEntry(msgspec.Struct, frozen=True):
    """公开页面、公开表单: what anybody may read or send, by its path on this host."""

    plugin: str
    name: str
    path: str


class IndicatorGroup(msgspec.Struct, frozen=True):
    """The value of one group; ``keys`` are the values of the dimensions as text, empty for none."""

    keys: list[str]
    value: float | None


class IndicatorEntry(msgspec.Struct, frozen=True):
    """指标: a figure with a name, worked out over what its reader may see."""

    plugin: str
    code: str
    name: str
    record: str
    measure: str
    dimensions: list[str]
    groups: list[IndicatorGroup]


class IndicatorCode(msgspec.Struct, frozen=True):
    """Which indicator is meant."""

    code: str


async def navigation(ctx: Context) -> list[NavigationEntry]:
    """The menu of the tenant's plugins, by rank, then by code."""
    found = [
        NavigationEntry(plugin.id, item.code, _name(ctx, item), item.record, item.rank)
        for plugin in _plugins(ctx)
        for item in plugin.navigation
        if ctx.permissions.allows(item.permission)
    ]
    return sorted(found, key=lambda entry: (entry.rank, entry.code))


async def map_layers(ctx: Context) -> list[MapLayerEntry]:
    """The map layers of the tenant's plugins."""
    return [
        MapLayerEntry(
            plugin.id, layer.code, _name(ctx, layer), layer.record, layer.shape, dict(layer.style)
        )
        for plugin in _plugins(ctx)
        for layer in plugin.map_layers
        if ctx.permissions.allows(layer.permission)
    ]


async def public_pages(ctx: Context) -> list[PublicPageEntry]:
    """The public pages of the tenant's plugins."""
    return [
        PublicPageEntry(
            plugin.id, _name(ctx, page), f"{PUBLIC_PATH}/{ctx.tenant.slug}/{plugin.id}/{page.path}"
        )
        for plugin in _plugins(ctx)
        for page in plugin.public_pages
    ]


async def public_forms(ctx: Context) -> list[PublicPageEntry]:
    """The public forms of the tenant's plugins, as far as the tenant has them on."""
    return [
        PublicPageEntry(
            plugin.id, _name(ctx, form), f"{PUBLIC_PATH}/{ctx.tenant.slug}/{plugin.id}/{form.path}"
        )
        for plugin in _plugins(ctx)
        for form in plugin.public_forms
        if is_open(ctx.typed_settings, plugin, form)
    ]


async def indicators(ctx: Context) -> list[IndicatorEntry]:
    """The indicators of the tenant's plugins that the reader may see, without their values."""
    return [_entry(ctx, plugin, indicator, []) for plugin, indicator in _indicators(ctx)]


async def indicator(ctx: Context, asked: IndicatorCode) -> IndicatorEntry | None:
    """One indicator with its values; none for an unknown code.

    Raises ``Denied`` (``PERMISSION_DENIED``) without its permission.
    """
    assert isinstance(ctx, CoreContext)
    for plugin in ctx.registry.plugins:
        for declared in plugin.indicators:
            if declared.code == asked.code:
                if not ctx.permissions.allows(declared.permission):
                    raise Denied("PERMISSION_DENIED", permission=declared.permission)
                groups = await figures_of(ctx, declared)
                told = [IndicatorGroup(keys, value) for keys, value in groups]
                return _entry(ctx, plugin, declared, told)
    return None


def _plugins(ctx: Context) -> tuple[Plugin, ...]:
    assert isinstance(ctx, CoreContext)
    return ctx.registry.plugins


def _indicators(ctx: Context) -> Iterator[tuple[Plugin, Indicator]]:
    for plugin in _plugins(ctx):
        for declared in plugin.indicators:
            if ctx.permissions.allows(declared.permission):
                yield plugin, declared


def _entry(
    ctx: Context, plugin: Plugin, declared: Indicator, groups: list[IndicatorGroup]
) -> IndicatorEntry:
    return IndicatorEntry(
        plugin.id,
        declared.code,
        _name(ctx, declared),
        declared.record,
        declared.measure,
        list(declared.dimensions),
        groups,
    )


def _name(ctx: Context, shown: Any) -> str:
    name: str = shown.en if ctx.locale == "en" else shown.zh
    return name


QUESTIONS = (
    Question(
        "navigation",
        NavigationEntry,
        navigation,
        signed_in=True,
        is_list=True,
        description="The menu of the plugins (菜单), as far as you may see it.",
    ),
    Question(
        "map_layers",
        MapLayerEntry,
        map_layers,
        signed_in=True,
        is_list=True,
        description="Map layers of the plugins (地图图层) that you may see.",
    ),
    Question(
        "public_pages",
        PublicPageEntry,
        public_pages,
        signed_in=True,
        is_list=True,
        description="Pages of the plugins that anybody may read (公开页面).",
    ),
    Question(
        "public_forms",
        PublicPageEntry,
        public_forms,
        signed_in=True,
        is_list=True,
        description="Forms of the plugins that anybody may send (公开表单).",
    ),
    Question(
        "indicators",
        IndicatorEntry,
        indicators,
        signed_in=True,
        is_list=True,
        description="Indicators of the plugins (指标), without their values.",
    ),
    Question(
        "indicator",
        IndicatorEntry,
        indicator,
        signed_in=True,
        input=IndicatorCode,
        cost=50,
        description="One indicator with its values over what you may see.",
    ),
)
