"""The door: whoever has no good session here hears one code, whatever they ask, and no more."""

import base64
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from graphql import GraphQLSchema

from jingwei_core.platform import Platform
from jingwei_core.session import Identity
from tests.leak.client import Caller, signed_in
from tests.leak.judge import CANARY, Ledger, changed
from tests.leak.matrix import REFUSED, Refused
from tests.leak.mutations import plain_calls
from tests.leak.reads import read_attempts
from tests.leak.world import PASSWORD, SUSPENDED_TENANT, World

A = {"x-jingwei-tenant": "leak-a"}
HOUR = timedelta(hours=1)


class Door:
    """Makes each refused caller of the matrix."""

    def __init__(self, http: httpx.AsyncClient, world: World, callers: dict[str, Caller]) -> None:
        self._http = http
        self._world = world
        self._platform: Platform = world.platform
        self._callers = callers

    async def caller(self, name: str) -> Caller:
        """The caller called ``name``."""
        make: Callable[[], Awaitable[dict[str, str]]] = getattr(self, name)
        return Caller(self._http, name, await make())

    def _token(self, login: str) -> str:
        return self._callers[login].headers["authorization"].removeprefix("Bearer ")

    def _issued(self, tenant: str, account: uuid.UUID, *, ago: timedelta = timedelta(0)) -> str:
        tokens, now = self._platform.tokens, self._platform.clock.now()
        return tokens.issue(self._world.city(tenant).id, Identity(account, 0), now - ago)

    async def no_token(self) -> dict[str, str]:
        return A

    async def neighbours_token(self) -> dict[str, str]:
        return {**A, "authorization": f"Bearer {self._token('b.chief')}"}

    async def own_token_in_other_tenant(self) -> dict[str, str]:
        token = self._token("a.chief")
        return {"x-jingwei-tenant": "leak-b", "authorization": f"Bearer {token}"}

    async def altered_claims(self) -> dict[str, str]:
        head, body, mark = self._token("a.near_worker").split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        claims["sub"] = str(self._world.a.accounts["chief"])
        forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        return {**A, "authorization": f"Bearer {head}.{forged}.{mark}"}

    async def altered_signature(self) -> dict[str, str]:
        token = self._token("a.chief")
        middle = len(token) - 20
        swapped = "A" if token[middle] != "A" else "B"
        return {**A, "authorization": f"Bearer {token[:middle]}{swapped}{token[middle + 1 :]}"}

    async def algorithm_none(self) -> dict[str, str]:
        token = self._token("a.chief")
        kept = jwt.decode(token, options={"verify_signature": False})
        headers = {"kid": jwt.get_unverified_header(token)["kid"]}
        forged = jwt.encode(kept, "", algorithm="none", headers=headers)
        return {**A, "authorization": f"Bearer {forged}"}

    async def neighbours_key_for_our_audience(self) -> dict[str, str]:
        kept = jwt.decode(self._token("a.chief"), options={"verify_signature": False})
        key = self._platform.tokens._key(self._world.b.id)
        ours = jwt.get_unverified_header(self._token("a.chief"))["kid"]
        forged = jwt.encode(kept, key.secret, algorithm="HS256", headers={"kid": ours})
        return {**A, "authorization": f"Bearer {forged}"}

    async def expired_token(self) -> dict[str, str]:
        token = self._issued("a", self._world.a.accounts["chief"], ago=24 * HOUR)
        return {**A, "authorization": f"Bearer {token}"}

    async def refresh_token_as_access(self) -> dict[str, str]:
        given = {"login": "leaving", "password": PASSWORD}
        heard = await Caller(self._http, "leaving", A).send("/auth/sign-in", given)
        return {**A, "authorization": f"Bearer {heard.body['refreshToken']}"}

    async def signed_out_everywhere(self) -> dict[str, str]:
        caller = await signed_in(self._http, "a", "leaving")
        assert (await caller.ask("{ me { id } }")).codes == []
        out = await self._http.post("/auth/sign-out-everywhere", headers=caller.headers)
        assert out.status_code == 204
        return caller.headers

    async def suspended_account(self) -> dict[str, str]:
        # Only the status is changed, so that it is the status that counts and not the epoch.
        account = self._world.a.accounts["suspended"]
        async with self._platform.database.unit(self._world.a.id) as unit:
            sql = "UPDATE core.account SET status = 'suspended' WHERE id = $1"
            await unit.execute(sql, account)
        return {**A, "authorization": f"Bearer {self._issued('a', account)}"}

    async def account_of_neighbour_in_our_tenant(self) -> dict[str, str]:
        token = self._issued("a", self._world.b.accounts["chief"])
        return {**A, "authorization": f"Bearer {token}"}

    async def no_tenant_named(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self._token('a.chief')}"}

    async def tenant_unknown(self) -> dict[str, str]:
        return {"x-jingwei-tenant": "nowhere", **await self.no_tenant_named()}

    async def tenant_suspended(self) -> dict[str, str]:
        return {"x-jingwei-tenant": SUSPENDED_TENANT, **await self.no_tenant_named()}


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.caller)
async def test_the_door_opens_to_nobody_else(
    row: Refused,
    http: httpx.AsyncClient,
    world: World,
    callers: dict[str, Caller],
    schema: GraphQLSchema,
    ledger: Ledger,
) -> None:
    caller = await Door(http, world, callers).caller(row.caller)
    registry = world.platform.host.registry(frozenset({"safety-production"}))
    documents = list(plain_calls(schema, registry, world).values())
    documents += _one_of_each(schema, world)
    before, answers = await ledger.read(), set()

    for document in documents:
        heard = await caller.ask(document)
        assert heard.codes == [row.code], document
        assert not any((heard.body.get("data") or {}).values())
        assert not CANARY.search(heard.text)
        answers.add((heard.status, heard.body["errors"][0]["message"]))

    assert len(answers) == 1
    assert changed(before, await ledger.read()) == []


def _one_of_each(schema: GraphQLSchema, world: World) -> list[str]:
    """One document for each field of ``Query`` and each way to read it."""
    found: dict[Any, str] = {}
    for attempt in read_attempts(schema, world, "a"):
        name = attempt.field.split("(")[0].split(" ")[0]
        found.setdefault((attempt.path, name), attempt.document())
    found["introspection"] = "{ __schema { types { name } } }"
    found["typename"] = "{ __typename }"
    return list(found.values())


async def test_a_suspended_tenant_takes_no_sign_in(http: httpx.AsyncClient, world: World) -> None:
    caller = Caller(http, "", {"x-jingwei-tenant": SUSPENDED_TENANT})
    heard = await caller.send("/auth/sign-in", {"login": "chief", "password": PASSWORD})
    assert heard.codes == ["TENANT_SUSPENDED"]


async def test_signing_in_tells_no_account_from_another(
    http: httpx.AsyncClient, world: World
) -> None:
    """Unknown, suspended, wrong password: one answer, in both languages."""
    async with world.platform.database.unit(world.a.id) as unit:
        await unit.execute("UPDATE core.account SET status = 'suspended' WHERE login = 'suspended'")
    for language in ("zh", "en"):
        caller = Caller(http, "", dict(A), language)
        told = set()
        for login, password in (
            ("nobody", PASSWORD),
            ("suspended", PASSWORD),
            ("leaving", "wrong password"),
        ):
            heard = await caller.send("/auth/sign-in", {"login": login, "password": password})
            error = heard.body["errors"][0]
            error["extensions"].pop("requestId")
            told.add((heard.status, json.dumps(error, sort_keys=True)))
        assert len(told) == 1


async def test_a_refresh_token_is_worthless_in_the_other_tenant(
    http: httpx.AsyncClient, world: World
) -> None:
    given = {"login": "far_worker", "password": PASSWORD}
    heard = await Caller(http, "", dict(A)).send("/auth/sign-in", given)
    other = Caller(http, "", {"x-jingwei-tenant": "leak-b"})
    token = {"refreshToken": heard.body["refreshToken"]}

    assert (await other.send("/auth/refresh", token)).status == 401
    assert (await Caller(http, "", dict(A)).send("/auth/refresh", token)).status == 200


async def test_a_plugin_that_is_off_does_not_exist(
    callers: dict[str, Caller], schema: GraphQLSchema
) -> None:
    """Neither in introspection, nor in what a wrong document is told."""
    theirs = callers["b.chief"]
    heard = await theirs.ask("{ __schema { types { name fields { name } } } }")
    ours = await callers["a.chief"].ask("{ __schema { types { name fields { name } } } }")

    assert "afety" in ours.text
    assert "afety" not in heard.text
    wrong = await theirs.ask("{ safetyProductio { hazards { totalCount } } }")
    assert wrong.codes == ["GRAPHQL_VALIDATION"]
    assert "safetyProduction" not in wrong.text.replace("safetyProductio'", "")
