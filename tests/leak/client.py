"""Callers of the application: HTTP as a frontend sends it, answers as text."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.leak.world import PASSWORD


@dataclass(frozen=True, slots=True)
class Heard:
    """All that a caller can read of an answer."""

    status: int
    text: str
    headers: str

    @property
    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def codes(self) -> list[str]:
        """The codes of its errors."""
        return [error["extensions"]["code"] for error in self.body.get("errors", ())]

    @property
    def everything(self) -> str:
        """Body and headers, with nothing escaped."""
        return f"{self.headers}\n{json.dumps(self.body, ensure_ascii=False)}"


@dataclass
class Caller:
    """Someone with headers; ``name`` is how failures call them."""

    http: httpx.AsyncClient
    name: str
    headers: dict[str, str] = field(default_factory=dict)
    language: str = "zh"

    async def send(self, path: str, body: object) -> Heard:
        """POST JSON."""
        headers = {**self.headers, "accept-language": self.language}
        answer = await self.http.post(path, json=body, headers=headers)
        told = "\n".join(f"{name}: {value}" for name, value in answer.headers.multi_items())
        return Heard(answer.status_code, answer.text, told)

    async def ask(self, document: str, variables: Mapping[str, Any] | None = None) -> Heard:
        """Run a GraphQL document."""
        return await self.send("/graphql", {"query": document, "variables": variables or {}})


async def signed_in(http: httpx.AsyncClient, tenant: str, login: str) -> Caller:
    """A caller with a good session in the tenant a or b."""
    caller = Caller(http, f"{tenant}.{login}", {"x-jingwei-tenant": f"leak-{tenant}"})
    heard = await caller.send("/auth/sign-in", {"login": login, "password": PASSWORD})
    assert heard.status == 200, heard.text
    caller.headers["authorization"] = f"Bearer {heard.body['accessToken']}"
    return caller
