"""Taking a report (受理公众上报): checked, its photos kept, then registered like any other event.

Three parts, as a staged command has them: what is asked is checked in a transaction; photos are
kept while no connection is held; event, evidence and report are written in one transaction. A form
that is sent again answers what it answered before, and does nothing.
"""

import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

import msgspec

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.staging import CoreStage
from jingwei_core.events.forms import PHONE
from jingwei_core.events.kinds import reportable_kind
from jingwei_core.events.placing import ReportedPosition, resolve_placing
from jingwei_core.events.planning import require_photo
from jingwei_core.events.registration import register
from jingwei_core.events.reporting import PUBLIC, TEXT_LENGTH, ReportEvent, check_report
from jingwei_core.events.step_evidence import AttachedEvidence
from jingwei_core.events.workflow_guards import PhotoPhase
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_core.presence.photos import (
    KeptPicture,
    Picture,
    announced_pictures,
    inspected,
    keep_pictures,
    store_pictures,
)
from jingwei_core.presence.visitors import DAY_S, HOUR_S, TRIES, Count, plain
from jingwei_core.public_reports.offering import levels_of
from jingwei_core.public_reports.tables import PublicReport
from jingwei_core.public_reports.visitors import Counter
from jingwei_core.session import CoreContext
from jingwei_sdk.errors import Denied, Invalid, JingweiError

COMMAND = "public.report"
"""What stands in the audit log."""
TITLE_LENGTH = 40
SHORTEST = 5
_FIELDS = {"placeId": "place", "evidence": "photos"}
_REPORTED = "SELECT true FROM core.public_report WHERE code_digest = $1"
_LEVEL_OF = "SELECT level FROM core.place WHERE id = $1"

Contact = Annotated[str, msgspec.Meta(max_length=40)]


class NewReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a resident sends. ``website`` is asked of nobody: what fills it in is a program."""

    form: Annotated[str, msgspec.Meta(max_length=1000)]
    text: Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH)]
    place: uuid.UUID | None = None
    position: ReportedPosition | None = None
    kind: Annotated[str, msgspec.Meta(max_length=200)] = ""
    photos: Annotated[tuple[str, ...], msgspec.Meta(max_length=20)] = ()
    name: Contact = ""
    phone: Contact = ""
    website: Annotated[str, msgspec.Meta(max_length=200)] = ""


class Taken(msgspec.Struct, frozen=True):
    """The tracking code (查询码); it is not told a second time but to the same form."""

    code: str


@dataclass(frozen=True, slots=True)
class _Asked:
    """A report whose words are in order, with its pictures and the code it will have."""

    report: NewReport
    event: ReportEvent
    pictures: tuple[Picture, ...]
    code: str


async def take_report(
    counter: Counter, new: NewReport, workers: ImageWorkers, files: Sequence[Picture] = ()
) -> Taken:
    """Register a report of the public and answer its tracking code.

    ``files`` are pictures that came with the form itself. Raises ``Denied``
    (``PUBLIC_FORM_EXPIRED``, ``PUBLIC_FORM_TOO_FAST``, ``PUBLIC_FORM_REFUSED``,
    ``PUBLIC_PHOTO_UNKNOWN``), ``RateLimited`` (``PUBLIC_TOO_OFTEN``), ``Conflict``
    (``PUBLIC_PHOTO_USED``), ``Invalid`` (``PUBLIC_TEXT_TOO_SHORT``, ``PUBLIC_PHONE_INVALID``,
    ``PUBLIC_KIND_UNKNOWN``, ``PUBLIC_PLACE_UNFIT``, ``PUBLIC_PHOTO_TOO_MANY``,
    ``PUBLIC_PHOTO_TWICE``) and what ``event.report`` raises; whatever is raised, nothing is
    registered.
    """
    asked = _asked(counter, new, files)
    async with counter.acting() as ctx:
        if await _is_known(ctx, counter, asked):
            return Taken(asked.code)
        with _in_our_words():
            await _check(ctx, counter, asked)
    limits, tenant = counter.rules.limits, str(counter.visitor.tenant.id)
    await counter.count(
        counter.by_prefix("report", limits.reports_per_hour, HOUR_S),
        Count("reports", tenant, limits.reports_per_day, DAY_S),
    )
    stage = CoreStage(counter.platform, counter.visitor.tenant, workers)
    async with inspected(stage, asked.pictures) as seen:
        kept = await keep_pictures(stage.platform.store, seen)
    async with counter.acting() as ctx:
        if not await _is_known(ctx, counter, asked):
            await _write(ctx, counter, asked, kept)
    return Taken(asked.code)


async def count_arrival(counter: Counter) -> None:
    """Count that a report is being sent, before its body is read; raises ``RateLimited``."""
    most = counter.rules.limits.reports_per_hour * TRIES
    await counter.count(counter.by_prefix("arrival", most, HOUR_S))


def _asked(counter: Counter, new: NewReport, files: Sequence[Picture]) -> _Asked:
    """What is asked, as far as it can be judged without the database."""
    rules, now = counter.rules, counter.platform.clock.now()
    hours = timedelta(hours=rules.form_hours)
    form = counter.desk.opened(new.form, now, hours, rules.fill_seconds)
    if new.website:
        raise Denied("PUBLIC_FORM_REFUSED")
    text, name, phone = (plain(value) for value in (new.text, new.name, new.phone))
    if len(text) < SHORTEST:
        raise Invalid("PUBLIC_TEXT_TOO_SHORT", field="text", least=SHORTEST)
    if phone and not PHONE.fullmatch(phone):
        raise Invalid("PUBLIC_PHONE_INVALID", field="phone")
    kind = new.kind or rules.kind
    if kind not in rules.choices:
        raise Invalid("PUBLIC_KIND_UNKNOWN", field="kind")
    if len(files) + len(new.photos) > rules.photos:
        raise Invalid("PUBLIC_PHOTO_TOO_MANY", field="photos", limit=rules.photos)
    pictures = (*files, *announced_pictures(counter, new.photos))
    first = text.splitlines()[0].strip()
    title = first if len(first) <= TITLE_LENGTH else f"{first[: TITLE_LENGTH - 1]}…"
    event = ReportEvent(kind, title, text, place_id=new.place, position=new.position)
    report = msgspec.structs.replace(new, text=text, name=name, phone=phone)
    return _Asked(report, event, pictures, counter.desk.code(form))


@contextmanager
def _in_our_words() -> Iterator[None]:
    """What ``event.report`` refuses names the field of a report that it came from."""
    try:
        yield
    except JingweiError as error:
        error.field = _FIELDS.get(error.field or "", error.field)
        raise


async def _is_known(ctx: CoreContext, counter: Counter, asked: _Asked) -> bool:
    """Whether this form was sent before; the two that are sent at once wait for one another."""
    digest = counter.desk.digest(asked.code)
    await ctx.data.fetchval("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", digest)
    return bool(await ctx.data.fetchval(_REPORTED, digest))


async def _check(ctx: CoreContext, counter: Counter, asked: _Asked) -> None:
    """Refuse before any photo is kept what the registration would refuse."""
    kind = await reportable_kind(ctx, asked.event.kind)
    if kind.photo_required and not asked.pictures:
        require_photo(PhotoPhase.BEFORE, frozenset())
    placing = await resolve_placing(ctx, asked.event.place_id, asked.event.position)
    if await ctx.data.fetchval(_LEVEL_OF, placing.place.id) not in await levels_of(
        ctx, counter.rules
    ):
        raise Invalid("PUBLIC_PLACE_UNFIT", field="place", place=placing.place.name)
    kind.form.check({})


async def _write(
    ctx: CoreContext, counter: Counter, asked: _Asked, kept: Sequence[KeptPicture]
) -> None:
    """The event, its photos and the report."""
    await store_pictures(ctx, kept)
    photos = tuple(AttachedEvidence(each.id, PhotoPhase.BEFORE) for each in kept)
    checked = await check_report(ctx, msgspec.structs.replace(asked.event, evidence=photos))
    event = await register(ctx, msgspec.structs.replace(checked, source=PUBLIC))
    report = asked.report
    row = PublicReport(
        event=event.id,
        place_id=event.place_id,
        place_path=event.place_path,
        code_digest=counter.desk.digest(asked.code),
        name=report.name or None,
        phone=report.phone or None,
    )
    stored = await ctx.data.insert(row)
    await ctx.signals.changed("PublicReport", stored.id, event.place_path)
    await append_audit(ctx, COMMAND, event.id)
