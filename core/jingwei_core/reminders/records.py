"""How reminders are read: each account its own."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_core.reminders.tables import Reminder
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.records import Computed, Either, OwnedBy, Record


async def texts(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What each reminder says, in the reader's language."""
    assert isinstance(ctx, CoreContext)
    catalogue = ctx.platform.catalogue
    return [
        catalogue.message(row["message"], ctx.locale, _params(row["params"])).text for row in rows
    ]


def _params(stored: Any) -> Mapping[str, object]:
    params: Mapping[str, object] = json.loads(stored) if isinstance(stored, str) else stored
    return params


REMINDER = Record(
    Reminder,
    read="reminder.read",
    scope=(OwnedBy("account"),),
    filters=("code", "day"),
    sort=("created_at",),
    hidden=frozenset({"message", "params"}),
    relations={"subject": Either("subject_type", "subject_id")},
    computed={"text": Computed(str, ("message", "params"), texts, description="What it says.")},
)

RECORDS = (REMINDER,)
