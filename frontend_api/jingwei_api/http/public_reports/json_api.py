"""The same as JSON (小程序接口), below ``/report/<tenant>/api``; names in camelCase, no sign-in.

Photos go by three steps: ``photos`` answers a form, the app posts the file there, ``reports`` names
the photo. A tracking code is always in the body.
"""

import msgspec
from litestar import Response, get, post

from jingwei_api.http.public_body import converted, posted, told
from jingwei_api.http.public_reports.arriving import Http, counter_of
from jingwei_core.events.placing import ReportedPosition
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_core.presence.photos import NewPhoto, announce_photo
from jingwei_core.public_reports import answering
from jingwei_core.public_reports.following import follow
from jingwei_core.public_reports.intake import NewReport, count_arrival, take_report
from jingwei_core.public_reports.offering import Sought, find_places, offer


class WithCode(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A tracking code."""

    code: str


class CodedRating(answering.Rating, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A rating with its tracking code."""

    code: str


class CodedReopening(answering.Reopening, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why a report has to be reopened, with its tracking code."""

    code: str


@get("/{tenant:str}/api/form", summary="A new form")
async def form(request: Http, tenant: str) -> Response[bytes]:
    """The token of a new form, the kinds, and how many photos it takes."""
    return told(await offer(await counter_of(request, tenant)))


@get("/{tenant:str}/api/places", summary="Places to choose from")
async def places(request: Http, tenant: str) -> Response[bytes]:
    """The places for ``q``, or for ``lon``, ``lat`` and ``crs``."""
    counter = await counter_of(request, tenant)
    query = {name: str(request.query_params.get(name, "")) for name in ("q", "lon", "lat", "crs")}
    sought = Sought(text=query.pop("q")[:40])
    if query["lon"] or query["lat"]:
        at = converted(
            {"crs": query["crs"], "lon": query["lon"], "lat": query["lat"]}, ReportedPosition
        )
        sought = Sought(position=(at.lon, at.lat, at.crs))
    return told({"places": await find_places(counter, sought)})


@post("/{tenant:str}/api/photos", status_code=201, summary="Announce a photo")
async def photos(request: Http, tenant: str) -> Response[bytes]:
    """Where the photo goes, and by what the report names it."""
    counter = await counter_of(request, tenant)
    new = await posted(request, NewPhoto)
    return told(await announce_photo(counter, new, counter.rules.limits.photos_per_hour), 201)


@post("/{tenant:str}/api/follow", status_code=200, summary="How a report stands")
async def show(request: Http, tenant: str) -> Response[bytes]:
    """How the report of the code stands."""
    counter = await counter_of(request, tenant)
    return told(await follow(counter, (await posted(request, WithCode)).code))


@post("/{tenant:str}/api/rate", status_code=204, summary="Rate the outcome")
async def rate(request: Http, tenant: str) -> None:
    """Nothing."""
    counter = await counter_of(request, tenant)
    given = await posted(request, CodedRating)
    await answering.rate(counter, given.code, given)


@post("/{tenant:str}/api/reopen", status_code=204, summary="Have a report reopened")
async def reopen(request: Http, tenant: str) -> None:
    """Nothing."""
    counter = await counter_of(request, tenant)
    given = await posted(request, CodedReopening)
    await answering.reopen(counter, given.code, given)


@post("/{tenant:str}/api/forget", status_code=204, summary="Delete the contact of a report")
async def forget(request: Http, tenant: str) -> None:
    """Nothing."""
    counter = await counter_of(request, tenant)
    await answering.forget_contact(counter, (await posted(request, WithCode)).code)


async def send_report(request: Http, tenant: str, workers: ImageWorkers) -> Response[bytes]:
    """The tracking code of a report that was sent as JSON."""
    counter = await counter_of(request, tenant)
    await count_arrival(counter)
    return told(await take_report(counter, await posted(request, NewReport), workers), 201)
