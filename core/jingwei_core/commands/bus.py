"""The command bus (命令总线): permission, key, handler, audit and outbox in one transaction."""

import hashlib
import hmac
import json
import unicodedata
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, wait_random

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import Change, UnitData, qualified
from jingwei_core.database.errors import Contention
from jingwei_core.places.tables import Place
from jingwei_core.reading.sight import Arguments, Present, Sight
from jingwei_core.session import CoreContext, Identity, Request, account_context
from jingwei_sdk.commands import Command
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import Conflict, Denied, Invalid, NotFound
from jingwei_sdk.personal import mask_value, masked_columns
from jingwei_sdk.records import AtPlace, Record
from jingwei_sdk.tables import TenantTable

_ATTEMPTS = 3
_LONGEST_WAIT_S = 0.2

if TYPE_CHECKING:
    from jingwei_core.platform import Platform


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a command; ``key`` makes a repetition answer what the first call answered."""

    command: Command
    input: msgspec.Struct | Mapping[str, Any]
    target_id: uuid.UUID | None = None
    expected_version: int | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The row the command answered, or its plain values; ``replayed`` for a repetition."""

    row_id: uuid.UUID | None
    values: Mapping[str, Any] | None
    replayed: bool = False


async def execute(
    platform: "Platform", tenant: Tenant, identity: Identity, call: Call, request: Request
) -> Answer:
    """Run a command for a signed-in account in a transaction of its own.

    A transaction that lost against another one is begun anew, three times in all. Raises the
    command's own errors and ``Unauthenticated``, ``Denied``, ``NotFound``, ``Invalid``,
    ``Conflict``, ``Unavailable``; whatever is raised, nothing was written.
    """
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(Contention),
        stop=stop_after_attempt(_ATTEMPTS),
        wait=wait_random(max=_LONGEST_WAIT_S),
        reraise=True,
    ):
        with attempt:
            async with account_context(platform, tenant, identity, request) as ctx:
                return await run(ctx, call)
    raise AssertionError  # with ``reraise`` the last attempt returns or raises


async def run(ctx: CoreContext, call: Call) -> Answer:
    """Run a command inside an open context, which commits or rolls back as a whole."""
    command = call.command
    ctx.require(command.permission)
    checked = convert_input(command, call.input)
    earlier = await _claim(ctx, call, checked)
    if earlier is not None:
        return earlier
    arguments: list[Any] = [ctx]
    if command.on is not None:
        arguments.append(await _target(ctx, call))
    elif command.at is not None:
        await _require_place(ctx, command, getattr(checked, command.at))
    if _takes_input(command):
        arguments.append(checked)
    result = await command.handler(*arguments)
    if command.reveals is not None:
        _note_reveal(ctx, command.reveals, arguments[1], getattr(checked, "purpose", ""))
    answer = _answer(result)
    await _keep(ctx, call, answer)
    await append_audit(ctx, command.name, call.target_id or answer.row_id)
    return answer


def convert_input(command: Command, given: msgspec.Struct | Mapping[str, Any]) -> msgspec.Struct:
    """The typed input with every text in NFC.

    Raises ``Invalid`` (``INPUT_INVALID``) naming the field.
    """
    plain = msgspec.to_builtins(given) if isinstance(given, msgspec.Struct) else given
    try:
        converted: msgspec.Struct = msgspec.convert(_normalised(plain), command.input, strict=False)
    except msgspec.ValidationError as error:
        cause, _, place = str(error).partition(" - at `$")
        field = place.strip("`.") or None
        raise Invalid("INPUT_INVALID", field=field, cause=cause) from error
    return converted


def _normalised(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, Mapping):
        return {key: _normalised(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_normalised(item) for item in value]
    return value


def _note_reveal(ctx: CoreContext, column: str, row: TenantTable, purpose: str) -> None:
    """Leave who saw what and why for the audit row, and never the value itself."""
    if not purpose.strip():
        raise Invalid("INPUT_INVALID", field="purpose", cause="missing")
    value, told = getattr(row, column), masked_columns(type(row))[column]
    if value and told.mask:
        purpose = purpose.replace(str(value), mask_value(told.mask, value).shown)
    assert isinstance(ctx.data, UnitData)
    revealed = {"revealed": column, "purpose": purpose.strip()}
    path = getattr(row, "place_path", None)
    table = type(row)._meta.tablename
    ctx.data.changes.append(Change(table, row.id, None, None, path, revealed))


def _takes_input(command: Command) -> bool:
    expected = 3 if command.on is not None else 2
    return command.handler.__code__.co_argcount == expected


async def _target(ctx: CoreContext, call: Call) -> TenantTable:
    """The row the call names, locked; out of sight reads like absent."""
    command = call.command
    assert command.on is not None
    record = ctx.registry.record(command.on)
    if call.target_id is None:
        raise Invalid("INPUT_INVALID", field="id", cause="missing")
    arguments = Arguments([call.target_id])
    seen = Sight(Present(ctx), ctx.registry, arguments).condition(record, "t")
    found = await ctx.data.fetchval(
        f"SELECT true FROM {qualified(record.table)} t WHERE t.id = $1 AND {seen}",
        *arguments.values,
    )
    if not found:
        raise NotFound("ROW_NOT_FOUND", field="id", record=record.name, id=str(call.target_id))
    row = await ctx.data.lock(record.table, call.target_id)
    if call.expected_version is not None and row.version != call.expected_version:
        raise Conflict("ROW_CHANGED", record=record.name, id=str(row.id))
    # Where the permission to read is all that is asked, being in sight is having it: the row may be
    # seen as one's own or one's department's, and the handler asks for more.
    if command.permission != record.read:
        await _require_where_it_lies(ctx, record, row, command.permission)
    return row


async def _require_where_it_lies(
    ctx: CoreContext, record: Record, row: TenantTable, permission: str
) -> None:
    """Raise ``Denied`` unless the permission is held where the row lies, if it lies anywhere."""
    place = next((scope.column for scope in record.scope if isinstance(scope, AtPlace)), None)
    if place is not None:
        ctx.require(permission, getattr(row, place))
        return
    arguments = Arguments([row.id])
    held = Sight(Present(ctx), ctx.registry, arguments).held(record, "t", permission)
    if held is None:
        return
    sql = f"SELECT {held} FROM {qualified(record.table)} t WHERE t.id = $1"
    if not await ctx.data.fetchval(sql, *arguments.values):
        raise Denied("PERMISSION_DENIED", permission=permission)


async def _require_place(ctx: CoreContext, command: Command, place_id: uuid.UUID | None) -> None:
    """The permission must be held at the place that the input names.

    A field left out is the handler's to resolve: it checks the place that it finds.
    """
    if place_id is None:
        return
    found = await ctx.data.find(Place, id=place_id)
    if not found or not ctx.permissions.allows("place.read", found[0].path):
        raise NotFound("PLACE_NOT_FOUND", field=command.at, id=str(place_id))
    ctx.require(command.permission, found[0].path)


async def _claim(ctx: CoreContext, call: Call, checked: msgspec.Struct) -> Answer | None:
    """Take the idempotency key, or give back what its first use answered.

    Two calls with one key meet at the unique index: the second waits for the first to end.
    What was revealed is never kept: a repetition reveals again and is recorded again.
    """
    if not _has_key(ctx, call):
        return None
    digest = _digest(ctx.platform.command_secret, call, checked)
    taken = await ctx.unit.fetchval(
        "INSERT INTO core.command_key (account, key, command, digest) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (tenant_id, account, key) DO NOTHING RETURNING id",
        ctx.actor.account_id,
        call.key,
        call.command.name,
        digest,
    )
    if taken is not None:
        return None
    row = await ctx.unit.fetchrow(
        "SELECT digest, answer FROM core.command_key WHERE account = $1 AND key = $2",
        ctx.actor.account_id,
        call.key,
    )
    if row is None or row["digest"] != digest or row["answer"] is None:
        raise Conflict("IDEMPOTENCY_KEY_REUSED", field="idempotencyKey")
    answer = json.loads(row["answer"])
    row_id = uuid.UUID(answer["row_id"]) if answer["row_id"] else None
    return Answer(row_id, answer["values"], replayed=True)


def _has_key(ctx: CoreContext, call: Call) -> bool:
    has_caller = call.key is not None and ctx.actor.account_id is not None
    return has_caller and call.command.reveals is None


async def _keep(ctx: CoreContext, call: Call, answer: Answer) -> None:
    if not _has_key(ctx, call):
        return
    kept = {"row_id": str(answer.row_id) if answer.row_id else None, "values": answer.values}
    await ctx.unit.execute(
        "UPDATE core.command_key SET answer = $3 WHERE account = $1 AND key = $2",
        ctx.actor.account_id,
        call.key,
        json.dumps(kept, ensure_ascii=False),
    )


def _digest(secret: bytes, call: Call, checked: msgspec.Struct) -> str:
    """A keyed digest: an input may hold a password, which a plain hash would let one guess."""
    told = [
        call.command.name,
        str(call.target_id),
        call.expected_version,
        msgspec.to_builtins(checked),
    ]
    text = msgspec.json.encode(told, order="deterministic")
    return hmac.new(secret, text, hashlib.sha256).hexdigest()


def _answer(result: object) -> Answer:
    if isinstance(result, TenantTable):
        return Answer(result.id, None)
    return Answer(None, msgspec.to_builtins(result))
