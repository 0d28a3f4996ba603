"""POST /auth/…: signing in and out (登录与退出), JSON in and out, no cookies."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from litestar import Request, Response, Router, post
from litestar.middleware.rate_limit import RateLimitConfig
from litestar.stores.memory import MemoryStore

from jingwei_api.http.services import arrival_of, services_of
from jingwei_api.http.tenant import caller_of, named_tenant
from jingwei_api.schema import global_id
from jingwei_core.access import sign_in as sessions
from jingwei_sdk.errors import Invalid

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
CALLS = "auth_calls"
"""The name under which an application keeps how often each address has called."""

_MINUTE_S = 60.0

Posted = TypeVar("Posted", bound=msgspec.Struct)
Http = Request[Any, Any, Any]


class SignInRequest(msgspec.Struct, frozen=True, rename="camel"):
    """Login and password."""

    login: Text
    password: Text


class RefreshRequest(msgspec.Struct, frozen=True, rename="camel"):
    """The refresh token of the last answer."""

    refresh_token: Text


class ChangePasswordRequest(msgspec.Struct, frozen=True, rename="camel"):
    """The present password and the new one."""

    current_password: Text
    new_password: Text


class SessionAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A session: send ``accessToken`` as bearer; a refresh token works once."""

    account_id: str
    name: str
    access_token: str
    access_expires_at: datetime
    refresh_token: str
    refresh_expires_at: datetime


@post("/sign-in", status_code=200, summary="Sign in with login and password")
async def sign_in(request: Http) -> Response[bytes]:
    """A session; the same refusal for every reason."""
    services, arrival = services_of(request), arrival_of(request)
    tenant = await named_tenant(services.platform, arrival)
    given = await _posted(request, SignInRequest)
    credentials = sessions.Credentials(given.login, given.password, _client(request))
    session = await sessions.sign_in(services.platform, tenant, credentials, arrival.request)
    return _session(session)


@post("/refresh", status_code=200, summary="New tokens for a refresh token")
async def refresh(request: Http) -> Response[bytes]:
    """The next tokens of the session; the given refresh token is used up."""
    services, arrival = services_of(request), arrival_of(request)
    tenant = await named_tenant(services.platform, arrival)
    given = await _posted(request, RefreshRequest)
    return _session(
        await sessions.refresh(services.platform, tenant, given.refresh_token, arrival.request)
    )


@post("/sign-out", status_code=204, summary="End the session of a refresh token")
async def sign_out(request: Http) -> None:
    """Nothing; an unknown token is no error."""
    services, arrival = services_of(request), arrival_of(request)
    tenant = await named_tenant(services.platform, arrival)
    given = await _posted(request, RefreshRequest)
    await sessions.sign_out(services.platform, tenant, given.refresh_token, arrival.request)


@post("/sign-out-everywhere", status_code=204, summary="End all sessions of the account")
async def sign_out_everywhere(request: Http) -> None:
    """Nothing; access tokens given out before are refused from now on."""
    services = services_of(request)
    caller = await caller_of(services.platform, arrival_of(request))
    await sessions.sign_out_everywhere(
        services.platform, caller.tenant, caller.identity, caller.request
    )


@post("/change-password", status_code=200, summary="Set one's own password")
async def change_password(request: Http) -> Response[bytes]:
    """A new session; all others of the account have ended."""
    services = services_of(request)
    caller = await caller_of(services.platform, arrival_of(request))
    given = await _posted(request, ChangePasswordRequest)
    change = sessions.PasswordChange(given.current_password, given.new_password, _client(request))
    return _session(
        await sessions.change_password(
            services.platform, caller.tenant, caller.identity, change, caller.request
        )
    )


def auth_router(per_minute: int) -> Router:
    """The handlers under ``/auth``, each address of a client limited to so many calls a minute.

    The limit holds for one process. An account's own lockout holds everywhere; this one slows down
    whoever tries many accounts.
    """
    limit = RateLimitConfig(("minute", per_minute), identifier_for_request=_client, store=CALLS)
    return Router(
        "/auth",
        route_handlers=[sign_in, refresh, sign_out, sign_out_everywhere, change_password],
        middleware=[limit.middleware],
    )


async def forget_calls(calls: MemoryStore, every_s: float = _MINUTE_S) -> None:
    """Remove, for ever again, addresses that did not call for a minute: the store itself would keep
    each until it calls once more, and there are more addresses than memory."""
    while True:
        await asyncio.sleep(every_s)
        await calls.delete_expired()


async def _posted(request: Http, kind: type[Posted]) -> Posted:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Invalid("CONTENT_TYPE", field="Content-Type", expected="application/json")
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # The cause may quote what was sent, and that is a password.
        raise Invalid("REQUEST_INVALID", fields=", ".join(kind.__struct_encode_fields__)) from error


def _session(session: sessions.SignedIn) -> Response[bytes]:
    answer = SessionAnswer(
        account_id=global_id.encode("Account", session.account_id),
        name=session.name,
        access_token=session.access_token,
        access_expires_at=session.access_expires_at,
        refresh_token=session.refresh_token,
        refresh_expires_at=session.refresh_expires_at,
    )
    return Response(
        msgspec.json.encode(answer),
        media_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _client(request: Http) -> str:
    return request.client.host if request.client else ""
