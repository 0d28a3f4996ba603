"""Rules of notifications (通知规则) as data: ``notifications.toml`` of a tenant's package.

A tenant without the file has the defaults of this module, which are the platform's own: no document
sets such numbers.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from jingwei_core.notifications.channels import EMAIL
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid

TimeOfDay = Annotated[str, msgspec.Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Codes = tuple[str, ...]


class ByUrgency(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Codes of the channels for each urgency; one that the tenant does not have is passed over."""

    now: Codes = (EMAIL,)
    usual: Codes = (EMAIL,)
    digest: Codes = (EMAIL,)


class Quiet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Quiet hours (免打扰), ``[begins, ends)`` in the tenant's time, over midnight where they end
    earlier than they begin; none where both are the same."""

    begins: TimeOfDay = "21:00"
    ends: TimeOfDay = "07:00"


class Bundle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At most ``most`` letters to an account within any ``window_minutes``: when more would leave,
    what waits leaves together, as one digest."""

    most: Annotated[int, msgspec.Meta(ge=1, le=100)] = 3
    window_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 30


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many days the inbox keeps a notification after it was read, and one that never
    was after it was made."""

    read_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 90
    unread_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 365


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. ``assigned_is_told``: whoever an event is assigned to hears of it without any
    ``notify`` of the workflow. ``digest_at`` is when digests leave; without one what is for a
    digest leaves as usual."""

    source: str = ""
    assigned_is_told: bool = True
    channels: ByUrgency = ByUrgency()
    quiet: Quiet = Quiet()
    digest_at: tuple[TimeOfDay, ...] = ("08:30",)
    bundle: Bundle = Bundle()
    kept: Kept = Kept()

    def document(self) -> dict[str, Any]:
        """The rules as they are stored; :func:`read_rules` reads them back."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


DEFAULTS = Rules()


def read_rules(document: Mapping[str, Any]) -> Rules:
    """The rules in a TOML or JSON document.

    Raises ``Invalid`` (``NOTIFICATION_RULES_INVALID``) with the field and the cause.
    """
    try:
        return msgspec.convert(dict(document), Rules)
    except msgspec.ValidationError as error:
        cause, _, place = str(error).partition(" - at ")
        field = place.strip("`").removeprefix("$").lstrip(".") or None
        raise Invalid("NOTIFICATION_RULES_INVALID", field=field, cause=cause) from error


async def rules_of(ctx: Context) -> Rules:
    """The tenant's rules; the defaults where its package has no ``notifications.toml``."""
    stored = await ctx.data.fetchval("SELECT definition::text FROM core.notification_rules")
    return DEFAULTS if stored is None else read_rules(json.loads(stored))
