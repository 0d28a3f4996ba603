"""Idempotency keys (幂等键): one key, one answer.

Two calls with one key meet at a lock that lasts as long as the transaction: the second waits for
the first to end, and finds its answer. The key and the answer are written together, with the last
message of the transaction. What was revealed is never kept: a repetition reveals again and is
recorded again.
"""

import hashlib
import hmac
import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from jingwei_core.commands.data import UnitData
from jingwei_core.database.expressions import Expression
from jingwei_core.session import CoreContext, claiming
from jingwei_sdk.errors import Conflict

_CLAIM = "SELECT core.command_claims($1, $2)"
_EARLIER = "SELECT digest, answer FROM core.command_key WHERE account = $1 AND key = $2"
_TOLD = "{uuid}, {text}, {text}, {text}, {text}"


class KeyedCall(msgspec.Struct, frozen=True, gc=False):
    """A call as its key knows it; the digest tells a repetition from a different call."""

    account_id: uuid.UUID
    key: str
    command: str
    digest: str


class KeptAnswer(msgspec.Struct, frozen=True):
    """What a call answered."""

    row_id: uuid.UUID | None
    values: Any


_DECODER = msgspec.json.Decoder(KeptAnswer)


def digest(secret: bytes, told: tuple[Any, ...]) -> str:
    """A keyed digest: an input may hold a password, which a plain hash would let one guess."""
    return hmac.new(secret, msgspec.json.encode(told, order="sorted"), hashlib.sha256).hexdigest()


async def earlier_answer(ctx: CoreContext, call: KeyedCall) -> KeptAnswer | None:
    """What the first use of the key answered; ``None`` when this is the first.

    Raises ``Conflict`` (``IDEMPOTENCY_KEY_REUSED``) for a key of another call.
    """
    if ctx.has_key or await ctx.unit.fetchval(_CLAIM, call.account_id, call.key):
        return None
    row = await ctx.unit.fetchrow(_EARLIER, call.account_id, call.key)
    if row is None or row["digest"] != call.digest or row["answer"] is None:
        raise Conflict("IDEMPOTENCY_KEY_REUSED", field="idempotencyKey")
    return _DECODER.decode(row["answer"])


def keep_answer(
    ctx: CoreContext, call: KeyedCall, row_id: uuid.UUID | None, values: Mapping[str, Any] | None
) -> None:
    """Have the answer stored: as the key is claimed if that is still to be said, or at the end."""
    assert isinstance(ctx.data, UnitData)
    answer = msgspec.json.encode(KeptAnswer(row_id, values)).decode()
    told = (call.account_id, call.key, call.command, call.digest, answer)
    claims = Expression(f"core.key_must_answer({_TOLD})", told)
    if not ctx.unit.beforehand(claims, instead_of=claiming(call.account_id, call.key)):
        ctx.data.parting.append(Expression(f"core.command_answers({_TOLD})", told))
