"""The console at GET /graphql and the page of plugins, with all that they need from this server.

The pages hold nothing: what they show is asked for by whoever signs in there, as by anybody else.
"""

import gzip
from functools import lru_cache
from importlib.resources import files
from typing import Any

from litestar import Request, Response, get
from litestar.exceptions import MethodNotAllowedException, NotFoundException

from jingwei_api.http.services import services_of

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
    " font-src 'self' data:; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What the page may load: this server only. GraphiQL's editor writes inline styles."""

_TYPES = {
    "console.css": "text/css",
    "console.js": "text/javascript",
    "graphiql.min.css": "text/css",
    "graphiql.min.js": "text/javascript",
    "graphql-ws.min.js": "text/javascript",
    "plugins.js": "text/javascript",
    "react-dom.production.min.js": "text/javascript",
    "react.production.min.js": "text/javascript",
    "session.js": "text/javascript",
}


def console_page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The console for browsers; ``405`` for everyone else."""
    settings = services_of(request).settings
    if not settings.console or "text/html" not in request.headers.get("accept", ""):
        raise MethodNotAllowedException(headers={"Allow": "POST"})
    return _page("index.html")


def _page(name: str) -> Response[bytes]:
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return Response(_content(name), media_type="text/html; charset=utf-8", headers=headers)


@get("/console/plugins", summary="The plugins of a tenant and why they are off, for its admin")
async def plugins_page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The page (管理页): whoever signs in with ``plugin.read`` sees each plugin's state, reason and
    link; ``404`` where the deployment has no console."""
    if not services_of(request).settings.console:
        raise NotFoundException
    return _page("plugins.html")


@get("/console/{name:str}", summary="A file of GraphiQL")
async def console_file(request: Request[Any, Any, Any], name: str) -> Response[bytes]:
    """A script or style of the console."""
    if not services_of(request).settings.console or name not in _TYPES:
        raise NotFoundException
    content = _content(name)
    headers = {"Cache-Control": "public, max-age=3600", "Vary": "Accept-Encoding"}
    if content[:2] == b"\x1f\x8b":
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
        else:
            content = gzip.decompress(content)
    return Response(content, media_type=f"{_TYPES[name]}; charset=utf-8", headers=headers)


@lru_cache(maxsize=32)
def _content(name: str) -> bytes:
    """A shipped file, as it lies in the package: those of others are kept compressed."""
    folder = files("jingwei_api.http") / "console"
    compressed = folder / "vendor" / f"{name}.gz"
    return (compressed if compressed.is_file() else folder / name).read_bytes()
