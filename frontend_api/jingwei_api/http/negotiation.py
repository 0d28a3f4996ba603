"""Media types (媒体类型): what may come in, and which form of answer the client takes."""

from functools import lru_cache
from typing import ClassVar

from jingwei_sdk.errors import Invalid

GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"
_OFFERED = (JSON, GRAPHQL_JSON)


class NotAcceptable(Invalid):
    """None of the media types that the client takes is offered."""

    status: ClassVar[int] = 406


class UnsupportedMedia(Invalid):
    """The body is of a media type that is not taken."""

    status: ClassVar[int] = 415


class WrongMethod(Invalid):
    """The operation may not be sent by this method."""

    status: ClassVar[int] = 405


@lru_cache(maxsize=512)
def chosen(accept: str) -> str | None:
    """The media type of the answer for an ``Accept`` header; ``None`` when none fits.

    Among equals the one with the more exact name wins, then the one written first; without a
    header, or for anything at all, it is ``application/json``.
    """
    if not accept.strip():
        return JSON
    found: list[tuple[float, int, int, str]] = []
    for place, part in enumerate(accept.split(",")):
        name, _, parameters = part.strip().lower().partition(";")
        name, quality = name.strip(), _quality(parameters)
        for offered, exactness in _meant(name):
            if quality > 0:
                found.append((quality, exactness, -place, offered))
    return max(found)[3] if found else None


def _meant(name: str) -> tuple[tuple[str, int], ...]:
    if name in _OFFERED:
        return ((name, 2),)
    return {"application/*": ((JSON, 1),), "*/*": ((JSON, 0),)}.get(name, ())


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def acceptable(accept: str) -> str:
    """The media type of the answer; raises ``NotAcceptable`` (``NOT_ACCEPTABLE``)."""
    found = chosen(accept)
    if found is None:
        raise NotAcceptable("NOT_ACCEPTABLE", field="Accept", offered=", ".join(_OFFERED))
    return found


@lru_cache(maxsize=64)
def is_json(content_type: str) -> bool:
    """Whether a body of this type is taken: JSON, in UTF-8."""
    name, _, parameters = content_type.lower().partition(";")
    if name.strip() not in _OFFERED:
        return False
    for parameter in parameters.split(";"):
        key, _, value = parameter.partition("=")
        if key.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            return False
    return True
