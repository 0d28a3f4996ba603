"""Commands (命令): the only way anything is written.

A declaration gives the GraphQL mutation, the idempotency key, the permission check in the right
subtree, the audit row and the outbox, all in one transaction.
"""

import inspect
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar, get_type_hints

import msgspec

from jingwei_sdk.context import Context, Tenant
from jingwei_sdk.errors import Refused
from jingwei_sdk.records import PERMISSION, Record

Handler = TypeVar("Handler", bound=Callable[..., Awaitable[Any]])


class NoInput(msgspec.Struct, frozen=True):
    """Input of a command that needs nothing but its target."""


class Stage(Protocol):
    """Where the work of a staged command is done: in a tenant, and in no transaction."""

    @property
    def tenant(self) -> Tenant:
        """Whose work it is."""
        ...

    def now(self) -> datetime:
        """The platform's time, with its offset."""
        ...


@dataclass(frozen=True, slots=True)
class Staged:
    """What a command does before its own transaction, while no connection is held (分步命令): look
    at uploaded bytes, ask another system.

    ``before(ctx, row_id)`` reads in a transaction and answers what is to be done, ``None`` when
    nothing is left to do. ``work(stage, plan)`` does it and answers the input of the command's
    handler, which then writes. ``after(stage, plan)`` tidies up; what it raises is not told.

    Clients name a row and nothing else, without an idempotency key: each part has to bear being
    done again, and a command that broke off is finished by sending it once more.
    """

    before: Callable[[Context, uuid.UUID], Awaitable[Any]]
    work: Callable[[Any, Any], Awaitable[msgspec.Struct]]
    after: Callable[[Any, Any], Awaitable[None]] | None = None


Again = Callable[[Context, Mapping[str, Any]], Awaitable[msgspec.Struct | None]]


@dataclass(frozen=True, slots=True)
class Command:
    """A declared command.

    Where the permission must be held is said by exactly one of ``on`` (the type name of a record:
    the row that the caller names lies there, or the row that it is seen ``Through``), ``at`` (the
    input field with a place id) or ``tenant_wide``. Other ids in the input are the handler's to
    check.
    ``returns`` is the record of the row that the handler answers; without it the handler answers a
    ``msgspec.Struct`` of plain values that the mutation returns as it is.
    ``reveals`` is the masked column that the handler answers in clear: the audit row then holds the
    caller's purpose, and no answer is kept for a repetition.
    ``cost`` is what the mutation counts against the caller's budget, the reading of one row being
    1; ``None`` is the usual 10. ``staged`` says what is done before, outside a transaction.
    ``again(ctx, answered)`` is for answers that run out, such as a signed address: it makes the
    answer of a repetition with the same idempotency key out of the values that were answered, and
    ``None`` stands for these. Without it a repetition answers what was answered.
    """

    name: str
    permission: str
    handler: Callable[..., Awaitable[Any]]
    input: type[msgspec.Struct]
    on: str | None
    at: str | None
    tenant_wide: bool
    returns: Record | None
    result: type[msgspec.Struct] | None
    description: str
    reveals: str | None = None
    cost: int | None = None
    staged: Staged | None = None
    again: Again | None = None

    @property
    def mutation(self) -> str:
        """The name of its GraphQL field: ``event.report`` becomes ``eventReport``."""
        head, *rest = self.name.replace("-", ".").split(".")
        return head + "".join(part.capitalize() for part in rest)


def command(
    name: str,
    *,
    permission: str,
    on: Record | str | None = None,
    at: str | None = None,
    tenant_wide: bool = False,
    returns: Record | None = None,
    reveals: str | None = None,
    cost: int | None = None,
    staged: Staged | None = None,
    again: Again | None = None,
) -> Callable[[Handler], Handler]:
    """Declare an async function ``(ctx[, target], input)`` as a command.

    It is attached to the function as ``__command__``; a plugin lists its functions as ``commands``.
    ``on`` may name a record of another package. Raises ``Refused`` without permission or place, for
    one that reveals without asking for a purpose, and for a staged one that is not about a row.
    """

    def declare(handler: Handler) -> Handler:
        input_type, result = _types(name, handler, has_target=on is not None)
        declared = Command(
            name=name,
            permission=permission,
            handler=handler,
            input=input_type,
            on=on.name if isinstance(on, Record) else on,
            at=at,
            tenant_wide=tenant_wide,
            returns=returns or (on if isinstance(on, Record) and result is None else None),
            result=result,
            description=(inspect.getdoc(handler) or "").split("\n", 1)[0],
            reveals=reveals,
            cost=cost,
            staged=staged,
            again=again,
        )
        _check(declared)
        handler.__command__ = declared  # type: ignore[attr-defined]
        return handler

    return declare


def _check(declared: Command) -> None:
    """Refuse a declaration that could be called without permission or at no place."""
    name, cost = declared.name, declared.cost
    if not PERMISSION.match(declared.permission):
        raise Refused("COMMAND_WITHOUT_PERMISSION", command=name)
    if sum((declared.on is not None, declared.at is not None, declared.tenant_wide)) != 1:
        raise Refused("COMMAND_WITHOUT_PLACE", command=name)
    if declared.reveals is not None and not _asks_why(declared):
        raise Refused("REVEAL_WITHOUT_PURPOSE", command=name)
    if cost is not None and cost < 0:
        raise Refused("COST_NEGATIVE", name=name, cost=cost)
    if declared.staged is not None and (declared.on is None or declared.returns is None):
        raise Refused("COMMAND_STAGED", command=name)
    if declared.returns is None and declared.result is None:
        raise Refused("COMMAND_WITHOUT_RESULT", command=name)


def _asks_why(declared: Command) -> bool:
    fields = {field.name: field for field in msgspec.structs.fields(declared.input)}
    return declared.on is not None and "purpose" in fields and fields["purpose"].required


def declaration(handler: Callable[..., Awaitable[Any]]) -> Command:
    """The command behind a decorated function; raises ``Refused`` (``COMMAND_UNDECLARED``)."""
    found = getattr(handler, "__command__", None)
    if not isinstance(found, Command):
        raise Refused("COMMAND_UNDECLARED", command=getattr(handler, "__name__", repr(handler)))
    return found


def _types(
    name: str, handler: Callable[..., Awaitable[Any]], *, has_target: bool
) -> tuple[type[msgspec.Struct], type[msgspec.Struct] | None]:
    if not inspect.iscoroutinefunction(handler):
        raise Refused("COMMAND_NOT_ASYNC", command=name)
    hints = get_type_hints(handler)
    parameters = list(inspect.signature(handler).parameters)
    expected = 3 if has_target else 2
    if len(parameters) == expected:
        input_type = hints.get(parameters[-1])
    elif len(parameters) == expected - 1:
        input_type = NoInput
    else:
        raise Refused("COMMAND_SIGNATURE", command=name)
    if not (isinstance(input_type, type) and issubclass(input_type, msgspec.Struct)):
        raise Refused("COMMAND_SIGNATURE", command=name)
    answer = hints.get("return")
    is_struct = isinstance(answer, type) and issubclass(answer, msgspec.Struct)
    return input_type, answer if is_struct else None
