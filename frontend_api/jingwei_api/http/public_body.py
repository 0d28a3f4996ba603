"""Reading what anybody sends (公众请求体): so many bytes and no more, then JSON."""

from typing import Any, TypeVar

import msgspec
from litestar import Request, Response

from jingwei_api.schema.naming import camel
from jingwei_sdk.errors import Invalid

JSON_BYTES = 64_000

Http = Request[Any, Any, Any]
Posted = TypeVar("Posted", bound=msgspec.Struct)


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


async def posted(request: Http, shape: type[Posted]) -> Posted:
    """The body; raises ``Invalid`` (``PUBLIC_FORM_INVALID``) naming the field, if it is one."""
    return converted(_snake(await small_json(request)), shape, strict=True)


def converted(given: Any, shape: type[Posted], *, strict: bool = False) -> Posted:
    """Plain values as the struct; raises as :func:`posted`."""
    try:
        return msgspec.convert(given, shape, strict=strict)
    except (msgspec.ValidationError, RecursionError) as error:
        field = str(error).partition(" - at `$")[2].strip("`.") or None
        raise Invalid("PUBLIC_FORM_INVALID", field=field) from error


def told(value: Any, status: int = 200) -> Response[bytes]:
    """A struct as JSON that is kept nowhere, its names in camelCase."""
    body = msgspec.json.encode(_camel(msgspec.to_builtins(value)))
    headers = {"Cache-Control": "no-store", "Vary": "Accept-Language"}
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def _camel(value: Any) -> Any:
    if isinstance(value, dict):
        return {camel(name): _camel(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_camel(item) for item in value]
    return value


def _snake(value: Any) -> Any:
    if isinstance(value, dict):
        return {_snake_name(name): _snake(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_snake(item) for item in value]
    return value


def _snake_name(name: str) -> str:
    return "".join(f"_{sign.lower()}" if sign.isupper() else sign for sign in name)
