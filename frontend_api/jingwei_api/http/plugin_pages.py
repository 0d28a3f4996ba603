"""/public/…: pages of plugins that anybody may read (公开页面), and forms that anybody may send
(公开表单), as JSON, in moderation."""

import msgspec
from litestar import Response, Router, get, post

from jingwei_api.http.public_body import Http, posted, small_json, told
from jingwei_api.http.public_parts import is_parts, posted_parts
from jingwei_api.http.services import arrival_of, services_of
from jingwei_api.limits.budget import Budgets
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_core.presence.forms import FormWindow, Sent, form_window
from jingwei_core.presence.photos import NewPhoto
from jingwei_core.presence.public import (
    FoundForm,
    FoundPage,
    answer_page,
    find_form,
    find_form_with_photos,
    find_public,
)
from jingwei_core.presence.questions import PUBLIC_PATH
from jingwei_core.presence.visitors import Visitor
from jingwei_sdk.errors import Invalid, RateLimited

MOST_ARGUMENTS = 20
LONGEST_ARGUMENT = 200
FRESH_FOR_S = 30


def public_router(workers: ImageWorkers) -> Router:
    """The pages, each limited in how often one address may call it in a minute, and the forms,
    whose photos ``workers`` look at.

    The limit of a page holds for one process; forms are counted in the database.
    """
    calls = Budgets()

    @get("/{tenant:str}/{plugin:str}/{page:path}", summary="A public page of a plugin")
    async def public_page(request: Http, tenant: str, plugin: str, page: str) -> Response[bytes]:
        """What the page answers to the arguments in the address; of a form a new one."""
        platform = services_of(request).platform
        found = await find_public(platform, tenant, plugin, page.strip("/"))
        if isinstance(found, FoundForm):
            window = _window(request, found, workers)
            await window.count_arrival()
            return _told(msgspec.json.encode(window.opened()))
        _count(calls, request, found)
        body = await answer_page(platform, found, _query(request), arrival_of(request).request)
        headers = {"Cache-Control": f"public, max-age={FRESH_FOR_S}", "Vary": "Accept-Language"}
        return Response(body, media_type="application/json", headers=headers)

    # The sizes are judged as the form is read: many photos are larger than any other request.
    @post(
        "/{tenant:str}/{plugin:str}/{page:path}",
        status_code=200,
        request_max_body_size=None,
        summary="Send a public form, or announce a photo of one",
    )
    async def take_form(request: Http, tenant: str, plugin: str, page: str) -> Response[bytes]:
        """What the plugin answers to the form; below a form with photos where one is uploaded."""
        platform, path = services_of(request).platform, page.strip("/")
        found = await find_form_with_photos(platform, tenant, plugin, path)
        if found is not None:
            window = _window(request, found, workers)
            await window.count_arrival()
            return told(await window.announce(await posted(request, NewPhoto)), 201)
        window = _window(request, await find_form(platform, tenant, plugin, path), workers)
        await window.count_arrival()
        return _told(await _taken(request, window))

    return Router(PUBLIC_PATH, route_handlers=[public_page, take_form])


async def _taken(request: Http, window: FormWindow) -> bytes:
    if window.found.form.photos and is_parts(request):
        async with posted_parts(request) as parts:
            return await window.take(Sent(parts.fields, await parts.pictures()))
    sent = await small_json(request)
    if not isinstance(sent, dict):
        raise Invalid("PUBLIC_FORM_INVALID")
    return await window.take(Sent(sent))


def _window(request: Http, found: FoundForm, workers: ImageWorkers) -> FormWindow:
    address = request.client.host if request.client else ""
    visitor = Visitor(found.tenant, address, arrival_of(request).request)
    return form_window(services_of(request).platform, found, visitor, workers)


def _told(body: bytes) -> Response[bytes]:
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Language"}
    return Response(body, media_type="application/json", headers=headers)


def _count(calls: Budgets, request: Http, found: FoundPage) -> None:
    address = request.client.host if request.client else ""
    key = (address, found.tenant.id, found.plugin, found.page.path)
    try:
        calls.spend(key, 1, found.page.per_minute)
    except RateLimited as error:
        wait_s = error.params["retry_after_s"]
        raise RateLimited("PUBLIC_PAGE_TOO_MANY", retry_after_s=wait_s) from error


def _query(request: Http) -> dict[str, str]:
    """The arguments; of one that comes twice the last counts."""
    query = {name: str(value) for name, value in request.query_params.items()}
    if len(query) > MOST_ARGUMENTS or any(
        len(text) > LONGEST_ARGUMENT for pair in query.items() for text in pair
    ):
        raise Invalid("REQUEST_INVALID", fields="query")
    return query
