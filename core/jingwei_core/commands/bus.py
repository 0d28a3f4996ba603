"""The command bus (命令总线): permission, key, handler, audit and outbox in one transaction."""

import asyncio
import unicodedata
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from random import SystemRandom
from typing import TYPE_CHECKING, Any

import asyncpg
import msgspec

from jingwei_core.access.loading import Mind, of_no_concern
from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import Change, UnitData
from jingwei_core.commands.keys import KeyedCall, digest, earlier_answer, keep_answer
from jingwei_core.commands.plugin_context import given_by_claim
from jingwei_core.commands.targets import named_place, target_row
from jingwei_core.commands.unlocked import (
    NeedsLock,
    is_unlocked,
    may_be_unlocked,
    unlocked_row,
)
from jingwei_core.database.along import Along
from jingwei_core.database.errors import Contention
from jingwei_core.database.unit import Outdated
from jingwei_core.session import CoreContext, Identity, Opening, Request, account_context
from jingwei_sdk.commands import Command
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import Invalid, JingweiError, Refused
from jingwei_sdk.personal import mask_value, masked_columns
from jingwei_sdk.tables import TenantTable

_ATTEMPTS = 3
_LONGEST_WAIT_S = 0.2
_RANDOM = SystemRandom()

if TYPE_CHECKING:
    from jingwei_core.platform import Platform


Riding = Callable[[uuid.UUID], Along | None]
"""Makes the read of a row, if it can go with the command that answers it."""


class Call(msgspec.Struct, frozen=True):
    """One use of a command; ``key`` makes a repetition answer what the first call answered.

    ``is_typed`` says that msgspec made the input and so found it to be all that its type asks for.
    ``along`` makes the read of the row that the command answers, if it can go with the command.
    ``mind`` is told by what access the command is run, before its handler is, and may refuse it.
    """

    command: Command
    input: msgspec.Struct | Mapping[str, Any]
    target_id: uuid.UUID | None = None
    expected_version: int | None = None
    key: str | None = None
    is_typed: bool = False
    along: Riding | None = None
    mind: Mind = of_no_concern


class Answer(msgspec.Struct, frozen=True):
    """The row the command answered, or its plain values; ``replayed`` for a repetition.

    ``read`` is what the read of the row answered, if it went with the command.
    """

    row_id: uuid.UUID | None
    values: Mapping[str, Any] | None
    replayed: bool = False
    read: bytes | None = None


async def execute(
    platform: "Platform", tenant: Tenant, identity: Identity, call: Call, request: Request
) -> Answer:
    """Run a command for a signed-in account in a transaction of its own.

    A transaction that lost against another one is begun anew, three times in all. Raises the
    command's own errors and ``Unauthenticated``, ``Denied``, ``NotFound``, ``Invalid``,
    ``Conflict``, ``Unavailable``; whatever is raised, nothing was written. A staged command is
    ``Refused`` (``COMMAND_STAGES_SKIPPED``): its input is what its work brought, and no caller's.
    """
    if call.command.staged is not None:
        raise Refused("COMMAND_STAGES_SKIPPED", command=call.command.name)
    for left in reversed(range(_ATTEMPTS)):
        try:
            return await _attempt(platform, tenant, identity, call, request)
        except Contention:
            if not left:
                raise
        await asyncio.sleep(_RANDOM.uniform(0, _LONGEST_WAIT_S))
    raise AssertionError  # the last attempt returns or raises


async def run(ctx: CoreContext, call: Call) -> Answer:
    """Run a command inside an open context, which commits or rolls back as a whole."""
    ctx.require(call.command.permission)
    checked = _checked(call)
    return await _run(ctx, call, checked, _keyed(ctx.platform, ctx.actor.account_id, call, checked))


async def _attempt(
    platform: "Platform", tenant: Tenant, identity: Identity, call: Call, request: Request
) -> Answer:
    """Convert the input beforehand, so that the key can be claimed as the unit opens."""
    try:
        checked = _checked(call)
        keyed = _keyed(platform, identity.account_id, call, checked)
    except JingweiError:
        # Told only to those who may call the command at all.
        async with account_context(platform, tenant, identity, request) as ctx:
            return await run(ctx, call)
    key = keyed.key if keyed else ""
    asked = (tenant, identity, request)
    try:
        return await _late(platform, asked, call, (checked, keyed))
    except NeedsLock:
        pass
    except Outdated:
        _forget(platform, asked, call, checked)
    async with account_context(platform, *asked, Opening(key, mind=call.mind)) as ctx:
        ctx.require(call.command.permission)
        return await _run(ctx, call, checked, keyed)


async def _late(
    platform: "Platform",
    asked: tuple[Tenant, Identity, Request],
    call: Call,
    prepared: tuple[msgspec.Struct, KeyedCall | None],
) -> Answer:
    """Run the command on what is remembered; raises ``Outdated`` when that is not to be trusted,
    ``NeedsLock`` when the command needs more than one message."""
    checked, keyed = prepared
    opening = Opening(keyed.key if keyed else "", may_be_late=True, mind=call.mind)
    ctx: CoreContext | None = None
    try:
        async with account_context(platform, *asked, opening) as ctx:
            ctx.require(call.command.permission)
            answer = await _run(ctx, call, checked, keyed)
        return msgspec.structs.replace(answer, read=ctx.unit.answer) if ctx.unit.answer else answer
    except JingweiError as error:
        if ctx is None or ctx.unit.has_begun:
            raise
        # Nothing was asked of the database yet, so this may be the answer of yesterday.
        raise Outdated from error
    except asyncpg.IntegrityConstraintViolationError as error:
        if ctx is not None and is_unlocked(ctx):
            raise NeedsLock from error
        refusal = ctx.data.refusal(error) if ctx and isinstance(ctx.data, UnitData) else None
        if refusal is None:
            raise
        raise refusal from error


def _forget(
    platform: "Platform",
    asked: tuple[Tenant, Identity, Request],
    call: Call,
    checked: msgspec.Struct,
) -> None:
    tenant, identity, _ = asked
    platform.access_cache.drop(tenant.id, identity.account_id)
    place = getattr(checked, call.command.at) if call.command.at else None
    if place is not None:
        platform.places.drop(tenant.id, place)


async def _run(
    ctx: CoreContext, call: Call, checked: msgspec.Struct, keyed: KeyedCall | None
) -> Answer:
    command = call.command
    earlier = await earlier_answer(ctx, keyed) if keyed else None
    if earlier is not None:
        values = await _renewed(ctx, command, earlier.values)
        return Answer(earlier.row_id, values, replayed=True)
    target: TenantTable | None = None
    if command.on is not None:
        find = unlocked_row if may_be_unlocked(ctx, command) else target_row
        target = await find(ctx, command, call.target_id, call.expected_version)
    elif command.at is not None:
        place = await named_place(ctx, command, getattr(checked, command.at))
        ctx = ctx if place is None else replace(ctx, at=place)
    about = () if target is None else (target,)
    given = (checked,) if _takes_input(command) else ()
    told = given_by_claim(f"command:{command.name}", ctx)
    result = await command.handler(told, *about, *given)
    if command.reveals is not None and target is not None:
        _note_reveal(ctx, command.reveals, target, getattr(checked, "purpose", ""))
    answer = _answer(result)
    if keyed:
        keep_answer(ctx, keyed, answer.row_id, answer.values)
    await append_audit(ctx, command.name, call.target_id or answer.row_id)
    if call.along is not None and answer.row_id is not None and not ctx.unit.has_begun:
        assert isinstance(ctx.data, UnitData)
        ctx.data.along = call.along(answer.row_id)
    return answer


async def _renewed(ctx: CoreContext, command: Command, values: Any) -> Any:
    """What a repetition answers of values that may have run out."""
    if command.again is None or values is None:
        return values
    told = given_by_claim(f"command:{command.name}", ctx)
    renewed = await command.again(told, values)
    return values if renewed is None else _answer(renewed).values


def _keyed(
    platform: "Platform", account_id: uuid.UUID | None, call: Call, checked: msgspec.Struct
) -> KeyedCall | None:
    if not call.key or account_id is None or call.command.reveals is not None:
        return None
    told = (call.command.name, str(call.target_id), call.expected_version, checked)
    made = digest(platform.command_secret, told)
    return KeyedCall(account_id, call.key, call.command.name, made)


def _checked(call: Call) -> msgspec.Struct:
    if call.is_typed and isinstance(call.input, call.command.input) and _is_normal(call.input):
        return call.input
    return convert_input(call.command, call.input)


def convert_input(command: Command, given: msgspec.Struct | Mapping[str, Any]) -> msgspec.Struct:
    """The typed input with every text in NFC.

    Raises ``Invalid``: ``INPUT_INVALID`` naming the field, ``VALUE_UNSTORABLE``.
    """
    plain = msgspec.to_builtins(given) if isinstance(given, msgspec.Struct) else given
    if not _is_normal(plain):
        plain = _normalised(plain)
    try:
        converted: msgspec.Struct = msgspec.convert(plain, command.input, strict=False)
    except msgspec.ValidationError as error:
        cause, _, place = str(error).partition(" - at `$")
        field = place.strip("`.") or None
        raise Invalid("INPUT_INVALID", field=field, cause=cause) from error
    return converted


def _is_normal(value: Any) -> bool:
    """Whether every text is in NFC already; looked at in one piece, since it nearly always is.

    Raises ``Invalid`` (``VALUE_UNSTORABLE``) for half a surrogate pair.
    """
    try:
        return unicodedata.is_normalized("NFC", msgspec.json.encode(value).decode())
    except UnicodeEncodeError as error:
        raise Invalid("VALUE_UNSTORABLE") from error
    except (TypeError, ValueError):
        return False


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


def _answer(result: object) -> Answer:
    if isinstance(result, TenantTable):
        return Answer(result.id, None)
    return Answer(None, msgspec.to_builtins(result))
