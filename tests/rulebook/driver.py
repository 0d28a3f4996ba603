"""A person at a terminal (操作者): GraphQL over HTTP with a session of their own, nothing else."""

import hashlib
import itertools
import json
import re
import uuid
from typing import Any

from tests.api.client import Client
from tests.core.evidence.pictures import jpeg

_TYPES = """
{ __type(name: "Mutation") { fields { name args { name type {
  kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } }
"""
_SIZES = itertools.count(40)


class Terminal(Client):
    """One person, signed in; a token that has expired by the city's clock is fetched anew."""

    written = 0
    """How often anybody may have written anything so far; of all terminals together."""

    def __init__(self, base_url: str, tenant: str, login: str, password: str, clock: Any) -> None:
        super().__init__(base_url, tenant)
        self.login, self._password, self._clock = login, password, clock
        self._signed_in_at: Any = None
        self.id = ""
        """Global id of the account."""

    async def ready(self) -> None:
        """Sign in, unless that was done at this hour of the clock."""
        if self._signed_in_at != self._clock.now():
            self.token = ""
            await self.sign_in(self.login, self._password)
            Terminal.written += 1
            self._signed_in_at = self._clock.now()

    async def do(self, mutation: str, pick: str = "", /, **given: Any) -> dict[str, Any]:
        """Do it; the payload's row, with the fields ``pick``."""
        told = await self.try_to(mutation, pick, **given)
        Terminal.written += 1
        assert "errors" not in told, (self.login, mutation, told["errors"])
        payload: dict[str, Any] = told["data"][mutation]
        assert payload is not None, (self.login, mutation)
        return next((value for value in payload.values() if isinstance(value, dict)), payload)

    async def try_to(self, mutation: str, pick: str = "", /, **given: Any) -> dict[str, Any]:
        """The whole answer. ``id``, ``expectedVersion``, ``key`` stand beside the input; all other
        names are fields of it."""
        await self.ready()
        types = await mutation_types(self)
        beside = {name: given.pop(name) for name in ("id", "expectedVersion") if name in given}
        if "idempotencyKey" in types[mutation]:
            beside["idempotencyKey"] = given.pop("key", None) or uuid.uuid4().hex
        if given:
            beside["input"] = given
        heads = ", ".join(f"${name}: {types[mutation][name]}" for name in beside)
        passed = ", ".join(f"{name}: ${name}" for name in beside)
        text = f"mutation({heads}) {{ {mutation}({passed}) {{ {pick or '__typename'} }} }}"
        return await self.ask(text, **beside)

    async def find(self, query: str, **variables: Any) -> Any:
        """The only root field of a query."""
        await self.ready()
        Terminal.written += 1  # some readings are noted in the audit log
        (found,) = (await self.data(query, **variables)).values()
        return found

    async def rows(self, field: str, pick: str) -> list[dict[str, Any]]:
        """The rows of a connection; ``field`` with its arguments."""
        page = await self.find(f"{{ {_paged(field)} {{ edges {{ node {{ {pick} }} }} }} }}")
        return [edge["node"] for edge in page["edges"]]

    async def photo(self) -> str:
        """A picture of one's own, in the three steps; its global id."""
        data = jpeg(next(_SIZES), 32)
        asked = await self.do(
            "evidenceRequest",
            "result { id method url fields { name value } }",
            contentType="image/jpeg",
            size=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )
        form = {one["name"]: one["value"] for one in asked["fields"]}
        files = {"file": ("photo.jpg", data, "image/jpeg")}
        sent = await self.http.post(asked["url"], data=form, files=files)
        assert sent.status_code < 300, sent.text
        await self.do("evidenceCommit", "evidence { status }", id=asked["id"])
        found: str = asked["id"]
        return found

    async def evidence(self, phase: str = "AFTER") -> list[dict[str, str]]:
        """One picture as a step brings it."""
        return [{"id": await self.photo(), "phase": phase}]


_KNOWN: dict[str, dict[str, str]] = {}


async def mutation_types(terminal: Terminal) -> dict[str, dict[str, str]]:
    """The arguments of each mutation with their types, by introspection."""
    if not _KNOWN:
        told = await terminal.data(_TYPES)
        for field in told["__type"]["fields"]:
            _KNOWN[field["name"]] = {one["name"]: _written(one["type"]) for one in field["args"]}
    return _KNOWN


def _written(kind: dict[str, Any]) -> str:
    if kind["kind"] == "NON_NULL":
        return f"{_written(kind['ofType'])}!"
    if kind["kind"] == "LIST":
        return f"[{_written(kind['ofType'])}]"
    return str(kind["name"])


def _paged(field: str) -> str:
    name, bracket, rest = field.partition("(")
    return f"{name}(first: 100, {rest}" if bracket else f"{name}(first: 100)"


def literal(value: Any) -> str:
    """A value as it stands in a document."""
    return re.sub(r'"(\w+)":', r"\1:", json.dumps(value, ensure_ascii=False))
