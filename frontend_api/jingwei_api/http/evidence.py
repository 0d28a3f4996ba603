"""/evidence/…: the signed URLs (签名链接) of the folder store; an S3 store serves its own."""

from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, Response, get, post
from litestar.response import Stream

from jingwei_api.http.services import services_of
from jingwei_core.evidence.local import DOWNLOAD_PATH, UPLOAD_PATH, LocalStore
from jingwei_core.evidence.store import CHUNK_BYTES
from jingwei_sdk.errors import NotFound

Http = Request[Any, Any, Any]


@post(UPLOAD_PATH, status_code=204, request_max_body_size=None, summary="Upload a photo")
async def upload(request: Http) -> None:
    """Nothing; the signature in the form says what may be sent, and how much of it."""
    await _local(request).accept_upload(request.headers.get("content-type", ""), _body(request))


@get(f"{DOWNLOAD_PATH}/{{key:path}}", summary="A photo by its signed URL")
async def download(request: Http, key: str) -> Response[Any]:
    """The bytes of an object whose signed URL has not expired."""
    query = {name: str(value) for name, value in request.query_params.items()}
    signed = await _local(request).open_signed(key.lstrip("/"), query)
    headers = {**signed.headers, "Content-Length": str(signed.info.size)}
    return Stream(_chunks(request, signed.info.key, signed.info.size), headers=headers)


def _local(request: Http) -> LocalStore:
    store = services_of(request).platform.store
    if not isinstance(store, LocalStore):
        raise NotFound("EVIDENCE_NOT_FOUND")
    return store


async def _body(request: Http) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        for at in range(0, len(chunk), CHUNK_BYTES):
            yield chunk[at : at + CHUNK_BYTES]


def _chunks(request: Http, key: str, size: int) -> AsyncIterator[bytes]:
    return _local(request).read(key, limit=size)
