"""The pages (页面): templates with the words of one language, and what a browser may do with them.

They work without JavaScript. The one script fills in where the phone is, if its owner asks for it.
"""

import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from litestar import Response

ROOT = "/report"
ASSETS = "/report-assets"
ASSET_TYPES = {"style.css": "text/css", "position.js": "text/javascript"}
_PACKAGE = "jingwei_api.http.public_reports"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{origins};"
    " base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)


def page(name: str, locale: str, told: Mapping[str, Any], *, status: int = 200) -> Response[bytes]:
    """A page in the language; ``images`` of what it is told are the URLs of the photos it shows."""
    words = _words()[locale]
    shown = {"words": words, "locale": locale, "assets": ASSETS, **told}
    text = _environment().get_template(f"{name}.html").render(shown)
    headers = {
        "Content-Security-Policy": _POLICY.format(origins=_origins(told.get("images", ()))),
        "Permissions-Policy": "camera=(), geolocation=(self), microphone=()",
        "Cache-Control": "no-store",
        "Content-Language": "en" if locale == "en" else "zh-CN",
        "Vary": "Accept-Language",
    }
    media_type = "text/html; charset=utf-8"
    return Response(text.encode(), status_code=status, media_type=media_type, headers=headers)


def asset(name: str) -> bytes:
    """A file that the pages load; raises ``KeyError`` for another one."""
    return _asset(name) if name in ASSET_TYPES else _missing(name)


def _missing(name: str) -> bytes:
    raise KeyError(name)


@lru_cache(maxsize=8)
def _asset(name: str) -> bytes:
    return (files(_PACKAGE) / "pages" / name).read_bytes()


@lru_cache(maxsize=1)
def _words() -> Mapping[str, Mapping[str, str]]:
    """By language, the words of the pages."""
    stored = tomllib.loads((files(_PACKAGE) / "pages" / "words.toml").read_text(encoding="utf-8"))
    return {
        locale: {name: texts[locale] for name, texts in stored.items()} for locale in ("zh", "en")
    }


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(_PACKAGE, "pages"),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _origins(images: Iterable[str]) -> str:
    """The stores that photos come from, where these are elsewhere."""
    parts = [urlsplit(url) for url in images]
    found = {f"{part.scheme}://{part.netloc}" for part in parts if part.netloc}
    return "".join(f" {origin}" for origin in sorted(found))
