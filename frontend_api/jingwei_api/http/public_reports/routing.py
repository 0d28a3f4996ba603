"""The addresses (路由) of public reports."""

from typing import Any

from litestar import Response, Router, post

from jingwei_api.http.public_reports import handlers, json_api
from jingwei_api.http.public_reports.arriving import Http
from jingwei_api.http.public_reports.pages import ASSETS, ROOT
from jingwei_core.evidence.workers import ImageWorkers

_PAGES: tuple[Any, ...] = (
    handlers.start,
    handlers.new_form,
    handlers.follow_form,
    handlers.show,
    handlers.rate,
    handlers.reopen,
    handlers.forget,
    json_api.form,
    json_api.places,
    json_api.photos,
    json_api.show,
    json_api.rate,
    json_api.reopen,
    json_api.forget,
)


def public_report_routers(workers: ImageWorkers) -> tuple[Router, Router]:
    """Everything below ``/report`` and ``/report-assets``; ``workers`` look at the photos."""

    # The sizes are judged as the form is read: many photos are larger than any other request.
    @post("/{tenant:str}/new", status_code=200, request_max_body_size=None, summary="Report")
    async def send_form(request: Http, tenant: str) -> Response[bytes]:
        """The tracking code, as a page."""
        return await handlers.send_report(request, tenant, workers)

    @post("/{tenant:str}/api/reports", status_code=201, summary="Report")
    async def send_json(request: Http, tenant: str) -> Response[bytes]:
        """The tracking code, as JSON."""
        return await json_api.send_report(request, tenant, workers)

    return (
        Router(ROOT, route_handlers=[*_PAGES, send_form, send_json]),
        Router(ASSETS, route_handlers=[handlers.page_file]),
    )
