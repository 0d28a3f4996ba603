"""What is there for anybody (公开页面、公开表单); public pages are answered out of what the plugin
itself may reach."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from jingwei_core.access.permissions import EVERYWHERE, Grant, PermissionSet
from jingwei_core.commands.plugin_context import given_to
from jingwei_core.session import Request, onlooker_context
from jingwei_sdk.context import Tenant, TypedSettings
from jingwei_sdk.errors import Denied, JingweiError, NotFound, Unavailable
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.presence import PHOTOS_BELOW, PublicForm, PublicPage

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

WITHIN_S = 5.0
LONGEST_ANSWER = 256 * 1024
"""Bytes of an answer as JSON."""


class FoundPage(NamedTuple):
    """A page that is there: whose it is, and in which tenant."""

    tenant: Tenant
    plugin: str
    page: PublicPage


class FoundForm(NamedTuple):
    """A form that is there: whose it is, in which tenant, and which action of a workflow the
    tenant lets it take."""

    tenant: Tenant
    plugin: str
    form: PublicForm[Any]
    action: str = ""


async def find_public(
    platform: "Platform", slug: str, plugin_id: str, path: str
) -> FoundPage | FoundForm:
    """The page or form below that path of a plugin that the tenant has on.

    Raises ``NotFound`` (``PUBLIC_PAGE_NOT_FOUND``), whatever it is that is not there.
    """
    missing = NotFound("PUBLIC_PAGE_NOT_FOUND", path=f"{slug}/{plugin_id}/{path}")
    try:
        state = await platform.state(slug)
        state.require_active()
    except (NotFound, Denied) as error:
        raise missing from error
    for plugin in platform.host.registry(state.enabled).plugins:
        if plugin.id == plugin_id:
            for page in plugin.public_pages:
                if page.path == path:
                    return FoundPage(state.tenant, plugin.id, page)
            for form in plugin.public_forms:
                if form.path == path and is_open(state.typed, plugin, form):
                    action = _setting(state.typed, plugin, form.action_setting)
                    return FoundForm(state.tenant, plugin.id, form, action or "")
    raise missing


async def find_form(platform: "Platform", slug: str, plugin_id: str, path: str) -> FoundForm:
    """The same where only a form will do."""
    found = await find_public(platform, slug, plugin_id, path)
    if isinstance(found, FoundPage):
        raise NotFound("PUBLIC_PAGE_NOT_FOUND", path=f"{slug}/{plugin_id}/{path}")
    return found


async def find_form_with_photos(
    platform: "Platform", slug: str, plugin_id: str, path: str
) -> FoundForm | None:
    """The form whose photos are announced at that path, if it is such a one."""
    of_form = path.removesuffix(PHOTOS_BELOW)
    if of_form == path:
        return None
    try:
        found = await find_public(platform, slug, plugin_id, of_form)
    except NotFound:
        return None
    return found if isinstance(found, FoundForm) and found.form.photos else None


async def answer_page(
    platform: "Platform", found: FoundPage, query: Mapping[str, str], request: Request
) -> bytes:
    """The answer of a page as JSON. Nothing stays of what the plugin writes meanwhile.

    Raises what the plugin refuses, ``Unavailable``: ``PUBLIC_PAGE_FAILED`` when it fails, takes
    longer than :data:`WITHIN_S` or says more than :data:`LONGEST_ANSWER`, ``PLUGIN_PAUSED``.
    """
    name = f"public:{found.plugin}/{found.page.path}"
    point = (found.tenant.id, found.plugin, f"page:{found.page.path}")
    who = (name, _own(platform, found.plugin))

    async def work() -> bytes:
        async with onlooker_context(platform, found.tenant, who, request) as ctx:
            answer = await found.page.answer(given_to(found.plugin, ctx), query)
        return told(answer)

    try:
        return await platform.hooks.guarded(point, work, WITHIN_S, (JingweiError,))
    except JingweiError:
        raise
    except Exception as error:
        # The type of it is counted; what it says may quote somebody's data.
        raise Unavailable("PUBLIC_PAGE_FAILED", path=found.page.path) from error


def told(answer: Mapping[str, Any]) -> bytes:
    """An answer as JSON; raises ``ValueError`` for one that is too long."""
    text = msgspec.json.encode(dict(answer))
    if len(text) > LONGEST_ANSWER:
        raise ValueError
    return text


def _own(platform: "Platform", plugin_id: str) -> PermissionSet:
    """The permissions of the plugin's own manifest, and no others, in the whole tenant."""
    manifest = platform.host.get(plugin_id).manifest
    codes = () if manifest is None else tuple(each.code for each in manifest.permissions)
    return PermissionSet([Grant(EVERYWHERE, codes)])


def is_open(settings: TypedSettings | None, plugin: Plugin, form: PublicForm[Any]) -> bool:
    """Whether the tenant with these settings has the form on, by the settings that it names."""
    named = filter(None, (form.setting, form.action_setting))
    return all(_setting(settings, plugin, name) for name in named)


def _setting(settings: TypedSettings | None, plugin: Plugin, name: str) -> Any:
    if not name or settings is None or plugin.settings is None:
        return None
    return getattr(settings.of(plugin.settings.schema), name)
