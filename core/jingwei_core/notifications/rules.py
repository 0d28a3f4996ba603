"""Rules of notifications (通知规则) as data: ``notifications.toml`` of a tenant's package.

A tenant without the file has the defaults of this module, which are the platform's own: no document
sets such numbers.
"""

import json
from collections.abc import Iterator, Mapping
from string import Formatter
from typing import Annotated, Any

import msgspec

from jingwei_core.notifications.channels import EMAIL
from jingwei_core.notifications.notices import NOTICES
from jingwei_core.rule_files import read_rule_file
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


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a tenant says in place of a notice's own text; a language left out keeps that one."""

    zh: Annotated[str, msgspec.Meta(max_length=500)] = ""
    en: Annotated[str, msgspec.Meta(max_length=500)] = ""

    def told(self, locale: str, words: Mapping[str, object]) -> str | None:
        """The text in a language with what it speaks of; ``None`` where it keeps the notice's."""
        own = self.en if locale == "en" else self.zh
        # Checked when it was read: names alone, and those of the notice.
        return own.format_map({**dict.fromkeys(_names(own), ""), **words}) if own else None


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file. ``texts`` are the tenant's own, by code of a notice. ``assigned_is_told``:
    whoever an event is assigned to hears of it without any ``notify`` of the workflow.
    ``digest_at`` is when digests leave; without one what is for a digest leaves as usual."""

    source: str = ""
    assigned_is_told: bool = True
    channels: ByUrgency = ByUrgency()
    quiet: Quiet = Quiet()
    digest_at: tuple[TimeOfDay, ...] = ("08:30",)
    bundle: Bundle = Bundle()
    kept: Kept = Kept()
    texts: dict[str, Text] = {}

    def document(self) -> dict[str, Any]:
        """The rules as they are stored; :func:`read_rules` reads them back."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        if not self.texts:
            # Stored as by a version without the key: to apply such a file again changes nothing.
            del built["texts"]
        return built


DEFAULTS = Rules()


def read_rules(document: Mapping[str, Any]) -> Rules:
    """The rules in a TOML or JSON document.

    Raises ``Invalid`` (``NOTIFICATION_RULES_INVALID``) with the field and the cause.
    """
    rules = read_rule_file(document, Rules, "NOTIFICATION_RULES_INVALID")
    for code, text in rules.texts.items():
        _check_text(code, text)
    return rules


def _check_text(code: str, text: Text) -> None:
    """A text is of a known notice and speaks of what the notice tells, and of nothing else."""
    notice = NOTICES.get(code)
    if notice is None:
        raise Invalid("NOTIFICATION_RULES_INVALID", field=f"texts.{code}", cause="unknown notice")
    known = (*notice.columns, *notice.words)
    for locale, own in (("zh", text.zh), ("en", text.en)):
        try:
            unknown = [name for name in _names(own) if name not in known]
            cause = f"placeholder {{{unknown[0]}}}" if unknown else ""
        except ValueError as error:
            cause = str(error)
        if cause:
            field = f"texts.{code}.{locale}"
            raise Invalid("NOTIFICATION_RULES_INVALID", field=field, cause=cause)


def _names(text: str) -> Iterator[str]:
    """The placeholders of a text, as they are written between the braces."""
    for _, name, form, conversion in Formatter().parse(text):
        if name is not None:
            yield name + (f"!{conversion}" if conversion else "") + (f":{form}" if form else "")


async def rules_of(ctx: Context) -> Rules:
    """The tenant's rules; the defaults where its package has no ``notifications.toml``."""
    stored = await ctx.data.fetchval("SELECT definition::text FROM core.notification_rules")
    return DEFAULTS if stored is None else read_rules(json.loads(stored))
