"""Presence (界面): what a plugin shows in the console, on the map and to the public, and what it
takes of the public, as data."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import msgspec

from jingwei_sdk.context import Context
from jingwei_sdk.errors import Refused
from jingwei_sdk.records import PERMISSION

PUBLIC = "public"
"""Said in place of a permission by what anybody may see."""
OPEN_TO_PUBLIC = frozenset({"event.report", "place.read"})
"""The permissions of the core that a public form may act with, beside its plugin's own."""

PHOTOS_BELOW = "/photos"
"""Where, below the path of a form, its photos are announced."""
MOST_PHOTOS = 6
"""Photos that may come with one form of the public; the platform's own number."""

Given = TypeVar("Given", bound=msgspec.Struct)
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


@dataclass(frozen=True, slots=True)
class PublicForm(Generic[Given]):
    """What anybody may send without sign-in (公开表单), to ``/public/<tenant>/<plugin>/<path>``.

    GET answers the token of a new form; POST takes ``{"form": TOKEN, …}`` with the fields of
    ``given``, which refuses others. ``take(ctx, given)`` runs in one transaction with the
    permissions of ``acts_with`` and no others; its plain values are the answer as JSON. The same
    form sent again gets the same answer, and nothing is done twice. ``setting`` names a setting of
    the plugin, yes or no: without it there is no form. ``action_setting`` names one that is a text:
    the action of a workflow that the tenant lets the public take here by ``ctx.events.act``; while
    it is empty there is no form either. At most ``per_hour`` are taken from one
    address (IPv4 /24, IPv6 /56) and ``per_day`` in a tenant, none sooner than ``fill_seconds``
    after the form was opened.

    ``photos`` is how many photos may come with it, at most :data:`MOST_PHOTOS`; they are checked
    and kept like all evidence, and only with a form that is taken: ``take`` is called twice then,
    and nothing stays of the first call. Their ids stand in the field ``photos`` of ``given``, a
    tuple of UUIDs, for :attr:`jingwei_sdk.context.OpenEvent.photos`.

    With ``gives_code`` the answer has a ``code``, which opens the forms that name this one in
    ``opened_by``; such a form is sent with the ``code``. What ``take`` finds in the field ``code``
    of ``given`` is its digest, the same in both; the code itself is kept nowhere. ``take`` answers
    ``None`` for a digest that it does not know. Codes are counted as those of public reports are,
    for all forms that they open together, and by ``per_hour`` and ``per_day`` only with photos.

    Raises ``Refused``: ``PRESENCE_WITHOUT_PERMISSION``, ``PRESENCE_FORM_OPEN`` when ``given``
    takes unknown fields or has one called ``form``, ``PRESENCE_FORM_FIELDS`` when it lacks
    ``photos`` or ``code`` though the form has them, when the form both gives a code and is opened
    by one, and for more photos than there may be.
    """

    path: str
    zh: str
    en: str
    given: type[Given]
    take: Callable[[Context, Given], Awaitable[Mapping[str, Any] | None]]
    permission: str
    acts_with: tuple[str, ...] = ()
    setting: str = ""
    per_hour: int = 20
    per_day: int = 2000
    fill_seconds: int = 3
    photos: int = 0
    gives_code: bool = False
    opened_by: str = ""
    action_setting: str = ""

    def __post_init__(self) -> None:
        if self.permission != PUBLIC or not _PATH.match(self.path):
            raise Refused("PRESENCE_WITHOUT_PERMISSION", item=self.path)
        for code in self.acts_with:
            _check(self.path, code)
        is_closed = self.given.__struct_config__.forbid_unknown_fields
        if not is_closed or "form" in self.given.__struct_encode_fields__:
            raise Refused("PRESENCE_FORM_OPEN", item=self.path)
        needed = {"photos"} if self.photos else set[str]()
        needed |= {"code"} if self.gives_code or self.opened_by else set()
        is_both = self.gives_code and bool(self.opened_by)
        has_all = needed <= set(self.given.__struct_encode_fields__)
        if is_both or not has_all or not 0 <= self.photos <= MOST_PHOTOS:
            raise Refused("PRESENCE_FORM_FIELDS", item=self.path, most=MOST_PHOTOS)


def _check(code: str, permission: str) -> None:
    if not PERMISSION.match(permission):
        raise Refused("PRESENCE_WITHOUT_PERMISSION", item=code)
