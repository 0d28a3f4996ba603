"""Putting messages into the outbox (发件箱): in the transaction that causes them."""

import json
import uuid
from collections.abc import Mapping
from typing import Protocol

import msgspec
from uuid_utils.compat import uuid7

from jingwei_core.database.expressions import Expression
from jingwei_core.jobs.core_jobs import OUTBOX_DELIVER
from jingwei_core.jobs.origins import CORE
from jingwei_core.outbox.channels import Owned, letter_of
from jingwei_sdk.errors import Invalid

PAYLOAD_LIMIT = 256 * 1024
"""Bytes of a message as JSON; larger things travel as a signed address of an evidence file."""


class Enqueues(Protocol):
    """What is needed of a context's signals."""

    async def enqueue(
        self, job: str, payload: msgspec.Struct | Mapping[str, object], *, delay_s: float = 0
    ) -> None:
        """Queue a job of the tenant in the same transaction."""
        ...


async def new_message(
    signals: Enqueues,
    parting: list[Expression],
    found: Owned,
    payload: msgspec.Struct | Mapping[str, object],
) -> uuid.UUID:
    """Add to ``parting`` what stores a message and queues its delivery, with the unit's last words.

    The id is what the receiver recognises a repetition by. Raises ``Invalid``:
    ``OUTBOX_PAYLOAD_UNFIT``, ``OUTBOX_PAYLOAD_TOO_LARGE``; where the channel reaches persons
    ``OUTBOX_LETTER``, ``CHANNEL_TEXT_TOO_LONG``.
    """
    channel = found.channel.code
    try:
        given = payload if isinstance(payload, msgspec.Struct) else dict(payload)
        data = msgspec.to_builtins(given)
        text = json.dumps(data, ensure_ascii=False)
    except (TypeError, ValueError) as error:
        raise Invalid("OUTBOX_PAYLOAD_UNFIT", channel=channel, cause=str(error)) from error
    size = len(text.encode())
    if size > PAYLOAD_LIMIT:
        raise Invalid("OUTBOX_PAYLOAD_TOO_LARGE", size=size, limit=PAYLOAD_LIMIT)
    _check_letter(found, data)
    message_id: uuid.UUID = uuid7()
    values = (message_id, channel, text)
    parting.append(Expression("core.message_waits({uuid}, {text}, {text})", values))
    job = {"message": str(message_id)}
    if found.plugin.id != CORE:
        # Whom the message waits for when its channel is gone.
        job["plugin"] = found.plugin.id
    await signals.enqueue(OUTBOX_DELIVER, job)
    return message_id


def _check_letter(found: Owned, data: Mapping[str, object]) -> None:
    if found.channel.reaches != "person":
        return
    length, limit = len(letter_of(data).text), found.channel.limits.longest_text
    if limit and length > limit:
        code = found.channel.code
        raise Invalid("CHANNEL_TEXT_TOO_LONG", channel=code, length=length, limit=limit)
