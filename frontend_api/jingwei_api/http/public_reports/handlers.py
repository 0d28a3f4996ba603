"""The pages of public reports (公众上报页面), for a phone's browser, with or without JavaScript.

A tracking code is sent in the body of a form and stands in no address: addresses are kept by
browsers and proxies.
"""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.exceptions import NotFoundException

from jingwei_api.http.public_parts import Sent, posted_fields, posted_parts, values_of
from jingwei_api.http.public_reports.arriving import Http, counter_of, locale_of
from jingwei_api.http.public_reports.pages import ASSET_TYPES, ROOT, asset, page
from jingwei_api.http.services import services_of
from jingwei_core.events.placing import ReportedPosition
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_core.public_reports import answering
from jingwei_core.public_reports.following import follow
from jingwei_core.public_reports.intake import NewReport, count_arrival, take_report
from jingwei_core.public_reports.offering import OfferedPlace, Sought, find_places, offer
from jingwei_core.public_reports.visitors import Counter
from jingwei_sdk.errors import Invalid, JingweiError, RateLimited

CRS = "EPSG:4326"
"""What browsers tell positions in (W3C Geolocation: WGS 84)."""
Shape = TypeVar("Shape", bound=msgspec.Struct)
_KEPT = ("text", "kind", "name", "phone", "lon", "lat")


@get("/{tenant:str}", summary="Where it is")
async def start(request: Http, tenant: str) -> Response[bytes]:
    """The first page; with ``q``, or ``lon`` and ``lat``, the places found."""
    query = {name: str(request.query_params.get(name, "")) for name in ("q", "lon", "lat")}
    told: dict[str, Any] = {}
    try:
        counter = await counter_of(request, tenant)
        told |= _search_page(counter, query["q"])
        if any(query.values()):
            sought = _sought(query)
            told["places"] = await find_places(counter, sought)
            told["is_searched"] = True
            if sought.position is not None:
                told["position"] = "&" + urlencode({"lon": query["lon"], "lat": query["lat"]})
    except JingweiError as error:
        return _refusal(request, tenant, error, ("start", told))
    return _page(request, tenant, "start", told)


@get("/{tenant:str}/new", summary="The form of a report")
async def new_form(request: Http, tenant: str) -> Response[bytes]:
    """The form for the place that ``place`` names; without one the first page."""
    try:
        counter = await counter_of(request, tenant)
        place = await _place(counter, str(request.query_params.get("place", "")))
        if place is None:
            return _to_start(request, tenant)
        given = {name: str(request.query_params.get(name, "")) for name in _KEPT}
        return await _form(request, counter, place, Sent(dict(given)))
    except JingweiError as error:
        return _refusal(request, tenant, error)


@get("/{tenant:str}/follow", summary="Asks for a tracking code")
async def follow_form(request: Http, tenant: str) -> Response[bytes]:
    """The page that asks for a tracking code."""
    try:
        await counter_of(request, tenant)
    except JingweiError as error:
        return _refusal(request, tenant, error)
    return _page(request, tenant, "follow", {})


@post("/{tenant:str}/follow", status_code=200, summary="How a report stands")
async def show(request: Http, tenant: str) -> Response[bytes]:
    """How the report of the code stands."""
    return await _with_code(request, tenant, "")


@post("/{tenant:str}/rate", status_code=200, summary="Rate the outcome")
async def rate(request: Http, tenant: str) -> Response[bytes]:
    """The report after it was rated."""
    return await _with_code(request, tenant, "rate")


@post("/{tenant:str}/reopen", status_code=200, summary="Have a report reopened")
async def reopen(request: Http, tenant: str) -> Response[bytes]:
    """The report after it was reopened."""
    return await _with_code(request, tenant, "reopen")


@post("/{tenant:str}/forget", status_code=200, summary="Delete the contact of a report")
async def forget(request: Http, tenant: str) -> Response[bytes]:
    """The report without its contact."""
    return await _with_code(request, tenant, "forget")


@get("/{name:str}", summary="A file of the pages")
async def page_file(name: str) -> Response[bytes]:
    """A style or script."""
    if name not in ASSET_TYPES:
        raise NotFoundException
    headers = {"Cache-Control": "public, max-age=3600"}
    return Response(asset(name), media_type=f"{ASSET_TYPES[name]}; charset=utf-8", headers=headers)


async def send_report(request: Http, tenant: str, workers: ImageWorkers) -> Response[bytes]:
    """The tracking code of a report that was sent as a form, or the form again with what is
    wrong."""
    sent = Sent()
    try:
        counter = await counter_of(request, tenant)
        await count_arrival(counter)
        async with posted_parts(request) as sent:
            taken = await take_report(counter, _report(sent), workers, await sent.pictures())
    except JingweiError as error:
        return await _form_again(request, tenant, sent, error)
    return _page(request, tenant, "sent", {"code": taken.code})


async def _form_again(
    request: Http, tenant: str, sent: Sent, error: JingweiError
) -> Response[bytes]:
    try:
        counter = await counter_of(request, tenant)
        place = await _place(counter, sent.get("place"))
        if isinstance(error, RateLimited):
            return _refusal(request, tenant, error)
        if place is None:
            return _refusal(request, tenant, error, ("start", _search_page(counter)))
        return await _form(request, counter, place, sent, error)
    except JingweiError as second:
        return _refusal(request, tenant, second)


async def _form(
    request: Http,
    counter: Counter,
    place: OfferedPlace,
    sent: Sent,
    error: JingweiError | None = None,
) -> Response[bytes]:
    offered = await offer(counter)
    is_old = error is None or error.code == "PUBLIC_FORM_EXPIRED"
    told = {
        "offer": offered,
        "place": place,
        # The same form again keeps its code, should the first answer have been lost.
        "form": offered.form if is_old or not sent.get("form") else sent.get("form"),
        "given": values_of(sent, *_KEPT),
    }
    return _page(request, counter.visitor.tenant.slug, "new", told, error)


async def _with_code(request: Http, tenant: str, does: str) -> Response[bytes]:
    """Do something with the code that was sent, then show how the report stands."""
    try:
        sent = await posted_fields(request)
        counter, code = await counter_of(request, tenant), sent.get("code")
        if does == "rate":
            await answering.rate(counter, code, _stars(sent))
        elif does == "reopen":
            reason = answering.Reopening(sent.get("reason")[: answering.OPINION_LENGTH])
            await answering.reopen(counter, code, reason)
        elif does == "forget":
            await answering.forget_contact(counter, code)
        progress = await follow(counter, code)
    except JingweiError as error:
        return _refusal(request, tenant, error, ("follow", {}))
    zone = counter.visitor.tenant.timezone
    told = {
        "progress": progress,
        "code": code,
        "done": does,
        "local": lambda at: _local(at, zone),
        "images": [url for one in progress.photos for url in (one.url, one.thumbnail_url)],
    }
    return _page(request, tenant, "progress", told)


def _local(at: datetime, zone: Any) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _stars(sent: Sent) -> answering.Rating:
    given = {"stars": sent.get("stars"), "opinion": sent.get("opinion")}
    return _converted(given, answering.Rating)


def _report(sent: Sent) -> NewReport:
    """The report in a form; a position only with the owner's tick."""
    names = ("form", "text", "kind", "name", "phone", "website")
    given: dict[str, Any] = {name: sent.get(name) for name in names}
    given["place"] = sent.get("place") or None
    if sent.get("with_position") and sent.get("lon") and sent.get("lat"):
        given["position"] = {"lon": sent.get("lon"), "lat": sent.get("lat"), "crs": CRS}
    return _converted(given, NewReport)


def _converted(given: Mapping[str, Any], shape: type[Shape]) -> Shape:
    try:
        return msgspec.convert(given, shape, strict=False)
    except msgspec.ValidationError as error:
        field = str(error).partition(" - at `$")[2].strip("`.") or None
        raise Invalid("PUBLIC_FORM_INVALID", field=field) from error


def _sought(query: Mapping[str, str]) -> Sought:
    if query["lon"] and query["lat"]:
        at = _converted({"lon": query["lon"], "lat": query["lat"], "crs": CRS}, ReportedPosition)
        return Sought(position=(at.lon, at.lat, at.crs))
    return Sought(text=query["q"][:40])


async def _place(counter: Counter, given: str) -> OfferedPlace | None:
    try:
        wanted = uuid.UUID(given)
    except ValueError:
        return None
    found = await find_places(counter, Sought(id=wanted))
    return found[0] if found else None


def _search_page(counter: Counter, sought: str = "") -> dict[str, Any]:
    """What the first page is told before anything is found."""
    found = {"is_searched": False, "places": [], "position": ""}
    return {"sought": sought, "notice": _notice(counter), **found}


def _notice(counter: Counter) -> str:
    rules = counter.rules
    is_english = counter.visitor.request.locale == "en" and rules.notice_en
    return rules.notice_en if is_english else rules.notice_zh


def _to_start(request: Http, tenant: str) -> Response[bytes]:
    where = f"{ROOT}/{tenant}?lang={locale_of(request)}"
    return Response(b"", status_code=303, headers={"Location": where, "Cache-Control": "no-store"})


def _refusal(
    request: Http,
    tenant: str,
    error: JingweiError,
    shown: tuple[str, Mapping[str, Any]] = ("off", {}),
) -> Response[bytes]:
    """A page that tells what was refused; where nothing is taken, nothing is offered either."""
    name, told = ("off", {}) if error.code == "PUBLIC_REPORT_OFF" else shown
    if name == "start" and "notice" not in told:
        name = "off"
    return _page(request, tenant, name, told, error)


def _page(
    request: Http,
    tenant: str,
    name: str,
    told: Mapping[str, Any],
    error: JingweiError | None = None,
) -> Response[bytes]:
    """The page; ``images`` among what it is told are the URLs of its photos."""
    locale, shown = locale_of(request), None
    if error is not None:
        text = services_of(request).platform.catalogue.describe(error, locale)
        field = error.field
        shown = {"text": text.text, "next_step": text.next_step, "field": field}
    status = 200 if error is None else error.status
    given = {"here": f"{ROOT}/{tenant}", "error": shown, **told}
    answer = page(name, locale, given, status=status)
    if error is not None and "retry_after_s" in error.params:
        answer.headers["Retry-After"] = str(error.params["retry_after_s"])
    return answer
