"""Demo photos through the three steps of an upload (演示照片上传): asked for, sent, committed."""

import hashlib
import uuid
from collections.abc import AsyncIterator

import httpx

from jingwei_core.commands.bus import Call, execute
from jingwei_core.demo.people import Member
from jingwei_core.evidence.commands import request_upload
from jingwei_core.evidence.commits import Commits
from jingwei_core.evidence.local import LocalStore
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_core.platform import Platform
from jingwei_core.session import Request
from jingwei_sdk.commands import declaration
from jingwei_sdk.context import Tenant

_BASE = "http://store.invalid"
"""The folder store's links are relative; its form is handed over without a network."""


class Photographer:
    """Uploads pictures for demo accounts; ``platform`` says what time it is for them."""

    def __init__(self, platform: Platform, tenant: Tenant, workers: ImageWorkers) -> None:
        self._platform = platform
        self._tenant = tenant
        self._commits = Commits(platform, workers)

    async def upload(self, owner: Member, picture: bytes, request: Request) -> uuid.UUID:
        """The id of committed evidence of ``owner``; raises what the three steps raise."""
        told = {
            "content_type": "image/jpeg",
            "size": len(picture),
            "sha256": hashlib.sha256(picture).hexdigest(),
        }
        call = Call(declaration(request_upload), told)
        granted = await execute(self._platform, self._tenant, owner.identity, call, request)
        assert granted.values is not None
        fields = {field["name"]: field["value"] for field in granted.values["fields"]}
        await self._send(granted.values["url"], fields, picture)
        evidence_id = uuid.UUID(str(granted.values["id"]))
        return await self._commits.commit(self._tenant, owner.identity, evidence_id, request)

    async def _send(self, url: str, fields: dict[str, str], picture: bytes) -> None:
        store = self._platform.store
        files = {"file": ("photo.jpg", picture)}
        if isinstance(store, LocalStore):
            form = httpx.Request("POST", httpx.URL(_BASE).join(url), data=fields, files=files)
            await store.accept_upload(form.headers["content-type"], _once(form.read()))
            return
        async with httpx.AsyncClient() as client:
            answer = await client.post(url, data=fields, files=files)
            answer.raise_for_status()


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
