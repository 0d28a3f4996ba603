"""Presence (界面): what a plugin shows in the console, on the map and to the public, as data."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from jingwei_sdk.context import Context
from jingwei_sdk.errors import Refused
from jingwei_sdk.records import PERMISSION

PUBLIC = "public"
"""Said in place of a permission by what anybody may see."""

_PATH = re.compile(r"^[a-z][a-z0-9-]*(/[a-z0-9-]+)*\Z")


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """An entry of the console's menu (菜单): the list of a record, for those who may read it."""

    code: str
    zh: str
    en: str
    record: str
    permission: str
    rank: int = 100

    def __post_init__(self) -> None:
        _check(self.code, self.permission)


@dataclass(frozen=True, slots=True)
class MapLayer:
    """Rows of a placed record as points or as the areas of their places (地图图层); ``style`` is
    plain data for the client: colour, icon, the column that decides."""

    code: str
    zh: str
    en: str
    record: str
    permission: str
    shape: Literal["point", "place"] = "point"
    style: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(self.code, self.permission)


@dataclass(frozen=True, slots=True)
class PublicPage:
    """A page without sign-in (公开页面) below ``/public/<tenant>/<plugin>/``.

    ``answer(ctx, query)`` gives plain values, shown as JSON. It runs on behalf of the plugin, so
    it answers only what anybody may know. ``per_minute`` limits calls from one address.
    """

    path: str
    zh: str
    en: str
    answer: Callable[[Context, Mapping[str, str]], Awaitable[Mapping[str, Any]]]
    permission: str
    per_minute: int = 30

    def __post_init__(self) -> None:
        if self.permission != PUBLIC or not _PATH.match(self.path):
            raise Refused("PRESENCE_WITHOUT_PERMISSION", item=self.path)


def _check(code: str, permission: str) -> None:
    if not PERMISSION.match(permission):
        raise Refused("PRESENCE_WITHOUT_PERMISSION", item=code)
