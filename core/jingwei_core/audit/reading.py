"""Audited reads (读取审计): what of an audited record was shown to whom, through which field."""

import json
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING

from jingwei_core.commands.data import UnitData

if TYPE_CHECKING:
    from jingwei_core.session import CoreContext

READING = "read"
"""What stands where a command's entry has its name."""


def note_reading(ctx: "CoreContext", field: str, record: str, ids: Sequence[uuid.UUID]) -> None:
    """Make one row of the audit log, stored at the end of the context's unit: these rows of a
    record were shown through a field of the API."""
    assert isinstance(ctx.data, UnitData)
    shown = {"record": record, "field": field, "count": len(ids), "ids": [str(i) for i in ids]}
    ctx.data.notes.append(
        (
            ctx.clock.now(),
            ctx.actor.kind,
            ctx.actor.account_id,
            ctx.actor.name,
            f"{READING}:{record}",
            ctx.request_id,
            ids[0] if len(ids) == 1 else None,
            None,
            json.dumps([shown], ensure_ascii=False),
            (),
        )
    )
