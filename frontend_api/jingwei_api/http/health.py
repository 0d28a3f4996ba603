"""/health/…: for whoever starts and watches the process."""

from typing import Any

from litestar import Request, get

from jingwei_api.http.services import services_of


@get("/health/live", summary="The process runs")
async def live() -> dict[str, str]:
    """Always ``ok``: the event loop answered."""
    return {"status": "ok"}


@get("/health/ready", summary="The process can serve")
async def ready(request: Request[Any, Any, Any]) -> dict[str, str]:
    """``ok`` once the database answers; else 503 with the code of what is missing."""
    async with services_of(request).platform.database.platform() as unit:
        await unit.fetchval("SELECT 1")
    return {"status": "ok"}
