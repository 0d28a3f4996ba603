"""Telling people (发送通知): a row in each inbox, in the transaction of what they are told of.

Nothing leaves the platform here: a job that the transaction queues does that, see
:mod:`jingwei_core.notifications.sending`.
"""

import json
import uuid
from collections.abc import Collection, Mapping

import msgspec
from uuid_utils.compat import uuid7

from jingwei_core.commands.unlocked import is_unlocked, needs_lock
from jingwei_core.events.ports import Accounts, Message
from jingwei_core.jobs.core_jobs import NOTIFICATION_SEND
from jingwei_core.notifications.channels import person_channels
from jingwei_core.notifications.notices import NOTICES
from jingwei_core.notifications.states import Outward, Urgency
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid, Refused

_ADD = """
INSERT INTO core.notification
       (id, account, code, params, subject_type, subject_id, place_path, urgency, cause, outward,
        created_at, updated_at)
SELECT x.id, a.id, $3, $4::jsonb, $5, $6, $7, $8, $9, $10, $11, $11
  FROM unnest($1::uuid[], $2::uuid[]) AS x(id, account)
  JOIN core.account a ON a.id = x.account AND a.status = 'active'
    ON CONFLICT (tenant_id, account, cause) DO NOTHING
RETURNING id, account
"""


class Post(msgspec.Struct, frozen=True):
    """What goes into inboxes; ``params`` holds what is stored of the text's words, ``cause`` what
    made it: the same cause is told to an account once."""

    code: str
    params: Mapping[str, object]
    about: tuple[str, uuid.UUID]
    place_path: str = ""
    urgency: Urgency = Urgency.USUAL
    cause: str | None = None


class InboxNotifier:
    """The port :class:`jingwei_core.events.ports.Notifier`, over the inboxes of accounts."""

    def knows(self, code: str) -> bool:
        """Whether there is such a notice; each has a text in both languages."""
        return code in NOTICES

    async def tell(self, ctx: Context, accounts: Accounts, message: Message) -> None:
        """Put the message into the inbox of each account that is active.

        Of the message's params those are stored that the notice has as words. Raises ``Refused``
        (``NOTICE_UNKNOWN``), ``Invalid`` (``NOTICE_URGENCY``).
        """
        notice = NOTICES.get(message.code)
        if notice is None:
            raise Refused("NOTICE_UNKNOWN", notice=message.code)
        if message.urgency not in tuple(Urgency):
            raise Invalid("NOTICE_URGENCY", field="urgency", value=message.urgency)
        words = {name: message.params[name] for name in notice.words if name in message.params}
        urgency = Urgency(message.urgency)
        await post(
            ctx,
            accounts,
            Post(message.code, words, message.about, message.place_path, urgency),
        )


async def post(ctx: Context, accounts: Collection[uuid.UUID], new: Post) -> int:
    """Put it into the inbox of each account that is active and has not been told of its cause; how
    many were told."""
    assert isinstance(ctx, CoreContext)
    told = sorted(set(accounts))
    if not told:
        return 0
    if is_unlocked(ctx):
        needs_lock()  # a statement of its own, which the step's one message has no room for
    outward = Outward.WAITING if person_channels(ctx.registry) else Outward.KEPT
    rows = await ctx.unit.fetch(
        _ADD,
        [uuid7() for _ in told],
        told,
        new.code,
        json.dumps(msgspec.to_builtins(dict(new.params)), ensure_ascii=False),
        *new.about,
        new.place_path,
        new.urgency.value,
        new.cause,
        outward.value,
        ctx.clock.now(),
    )
    for row in rows:
        await ctx.signals.changed("Notification", row["id"], None)
    if rows and outward is Outward.WAITING:
        found = [str(row["account"]) for row in rows]
        await ctx.signals.enqueue(NOTIFICATION_SEND, {"accounts": found})
    return len(rows)
