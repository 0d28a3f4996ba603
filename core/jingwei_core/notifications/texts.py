"""What notifications say (通知文本): made for a reader of what that one may see at that instant."""

import json
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_core.notifications.notices import NOTICES
from jingwei_core.notifications.rules import rules_of
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Denied

OUT_OF_SIGHT = "NOTIFICATION_OUT_OF_SIGHT"
"""All that is said to a reader who may not see any more what it is about."""

Subject = tuple[str, uuid.UUID]


async def texts(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each row of notifications says to the actor of ``ctx``, in its language; a tenant's own
    text comes before the notice's."""
    assert isinstance(ctx, CoreContext)
    catalogue = ctx.platform.catalogue
    own = (await rules_of(ctx)).texts if rows else {}
    seen = await subjects_in_sight(ctx, rows)
    told = []
    for row in rows:
        code, params = row["code"], stored_params(row["params"])
        subject = seen.get(subject_of(row))
        if subject is None:
            code, params = OUT_OF_SIGHT, {}
        else:
            notice = NOTICES.get(code)
            columns = notice.columns if notice is not None else ()
            params = {**params, **{name: subject[name] for name in columns}}
        said = own[code].told(ctx.locale, params) if code in own else None
        told.append(said or catalogue.message(code, ctx.locale, params).text)
    return told


def subject_of(row: Mapping[str, Any]) -> Subject:
    """What a row of notifications is about."""
    return row["subject_type"], row["subject_id"]


async def subjects_in_sight(
    ctx: Context, rows: Sequence[Mapping[str, Any]]
) -> dict[Subject, Mapping[str, Any]]:
    """The rows that the notifications are about, as far as the actor of ``ctx`` may see them now;
    one statement for each type. A record of a plugin that is off is out of sight."""
    assert isinstance(ctx, CoreContext)
    wanted: dict[str, set[uuid.UUID]] = defaultdict(set)
    for row in rows:
        wanted[row["subject_type"]].add(row["subject_id"])
    seen: dict[Subject, Mapping[str, Any]] = {}
    for record, ids in wanted.items():
        if record not in ctx.registry.records:
            continue
        try:
            found = await ctx.records.many(ctx, record, sorted(ids))
        except Denied:
            continue
        seen |= {(record, row_id): row for row_id, row in found.items()}
    return seen


def stored_params(stored: Any) -> Mapping[str, object]:
    """What a JSON column of params holds, however the driver gives it."""
    params: Mapping[str, object] = json.loads(stored) if isinstance(stored, str) else stored
    return params
