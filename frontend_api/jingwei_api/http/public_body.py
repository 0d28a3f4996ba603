"""Reading what anybody sends (公众请求体): so many bytes and no more, then JSON."""

from typing import Any

import msgspec
from litestar import Request

from jingwei_sdk.errors import Invalid

JSON_BYTES = 64_000

Http = Request[Any, Any, Any]


async def small_body(request: Http, most: int) -> bytes:
    """A body of at most so many bytes; raises ``Invalid`` (``PUBLIC_FORM_INVALID``)."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise Invalid("PUBLIC_FORM_INVALID")
    return bytes(body)


async def small_json(request: Http) -> Any:
    """A body of at most :data:`JSON_BYTES` as plain values; raises as :func:`small_body`."""
    try:
        return msgspec.json.decode(await small_body(request, JSON_BYTES))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Invalid("PUBLIC_FORM_INVALID") from error
