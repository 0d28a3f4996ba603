"""A client as a frontend has one: HTTP and graphql-transport-ws, tenant and token in headers."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PASSWORD = "correct horse battery"
PROTOCOL = Subprotocol("graphql-transport-ws")


class Client:
    """One person's session with one tenant."""

    def __init__(self, base_url: str, tenant: str) -> None:
        self.base_url = base_url
        self.tenant = tenant
        self.token = ""
        self.refresh_token = ""
        self.http = httpx.AsyncClient(base_url=base_url, trust_env=False, timeout=20)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.http.aclose()

    async def sign_in(self, login: str, password: str = PASSWORD) -> dict[str, Any]:
        answer = await self.post("/auth/sign-in", {"login": login, "password": password})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        self.token, self.refresh_token = told["accessToken"], told["refreshToken"]
        return told

    def headers(self, **more: str) -> dict[str, str]:
        known = {"x-jingwei-tenant": self.tenant, **more}
        if self.token:
            known["authorization"] = f"Bearer {self.token}"
        return known

    async def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        return await self.http.post(path, json=body, headers=self.headers(**headers))

    async def ask(self, query: str, language: str = "zh", **variables: Any) -> dict[str, Any]:
        """The whole response of an operation."""
        body = {"query": query, "variables": variables}
        answer = await self.post("/graphql", body, **{"accept-language": language})
        told: dict[str, Any] = answer.json()
        return told

    async def data(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of an operation that must succeed."""
        told = await self.ask(query, **variables)
        assert "errors" not in told, told["errors"]
        data: dict[str, Any] = told["data"]
        return data

    async def error(self, query: str, language: str = "zh", **variables: Any) -> dict[str, Any]:
        """The one error of an operation that must fail."""
        told = await self.ask(query, language, **variables)
        (error,) = told["errors"]
        found: dict[str, Any] = error
        return found

    @asynccontextmanager
    async def socket(self) -> AsyncIterator["Socket"]:
        """A WebSocket connection, begun."""
        url = self.base_url.replace("http", "ws", 1) + "/graphql"
        async with connect(url, subprotocols=[PROTOCOL], proxy=None) as connection:
            socket = Socket(connection)
            await socket.send(
                type="connection_init",
                payload={"tenant": self.tenant, "authorization": f"Bearer {self.token}"},
            )
            assert (await socket.receive())["type"] == "connection_ack"
            yield socket


class Socket:
    """A graphql-transport-ws connection."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def send(self, **message: Any) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(await self.connection.recv())
        return told

    async def subscribe(self, query: str, **variables: Any) -> str:
        name = uuid.uuid4().hex
        payload = {"query": query, "variables": variables}
        await self.send(id=name, type="subscribe", payload=payload)
        return name
