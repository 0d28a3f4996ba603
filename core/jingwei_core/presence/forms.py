"""Taking public forms (公开表单): from anybody, once for each form, with what the form acts with.

What was sent is judged without the database, the call is counted in a transaction of its own, and
what the plugin does, the answer that is kept and the audit row are one transaction. Of a form with
photos that transaction is rehearsed first: no byte is locked for a form that is not taken.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from jingwei_core.access.permissions import EVERYWHERE, Grant, PermissionSet
from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.plugin_context import given_to
from jingwei_core.commands.staging import CoreStage
from jingwei_core.events.opening import EventService
from jingwei_core.events.reporting import PUBLIC
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_core.presence.desk import LENGTH, Desk, FormToken
from jingwei_core.presence.often import LOOKS_PER_MINUTE, PHOTOS_PER_HOUR
from jingwei_core.presence.photos import (
    GrantedPhoto,
    KeptPicture,
    NewPhoto,
    Picture,
    announce_photo,
    announced_pictures,
    inspected,
    keep_pictures,
    store_pictures,
)
from jingwei_core.presence.public import WITHIN_S, FoundForm, told
from jingwei_core.presence.visitors import (
    ACTOR,
    DAY_S,
    HOUR_S,
    MINUTE_S,
    TRIES,
    Count,
    Visitor,
    Window,
    plain,
)
from jingwei_core.session import CoreContext, onlooker_context
from jingwei_sdk.errors import Invalid, JingweiError, NotFound, Unavailable

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

GOOD_FOR = timedelta(hours=12)
"""For so long a form that was opened may be sent; the platform's own number."""
FORM, PHOTOS, CODE = "form", "photos", "code"
"""The fields of what is sent that hold the token of the form, those of photos, and a code."""

_CLAIM = """
INSERT INTO core.public_call (bucket, ends_at, answer) VALUES ($1, $2, '')
ON CONFLICT (tenant_id, bucket) DO NOTHING RETURNING true
"""
_ANSWERED = "SELECT answer FROM core.public_call WHERE bucket = $1"
_ANSWER = "UPDATE core.public_call SET answer = $2 WHERE bucket = $1"
_Opening = Callable[[], AbstractAsyncContextManager[CoreContext]]


class OpenedForm(msgspec.Struct, frozen=True, rename="camel"):
    """A new form: its token, to be sent back as ``form`` after ``fill_seconds`` at the earliest,
    with at most ``most_photos`` photos."""

    form: str
    name: str
    fill_seconds: int
    good_for_hours: int
    most_photos: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent: its fields, and pictures that came with it or ``None`` where it was JSON."""

    fields: Mapping[str, Any]
    pictures: Sequence[Picture] | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A form that is in order as far as the database need not be asked. ``digest`` is that of its
    code, which ``code`` is where the form gives one out."""

    form: FormToken
    given: msgspec.Struct
    bucket: str
    pictures: tuple[Picture, ...] = ()
    digest: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class FormWindow(Window):
    """The counter at which one form is taken."""

    found: FoundForm
    workers: ImageWorkers

    def opened(self) -> OpenedForm:
        """A new form."""
        form = self.found.form
        name = form.en if self.visitor.request.locale == "en" else form.zh
        token = self.desk.form(self.platform.clock.now())
        hours = int(GOOD_FOR.total_seconds()) // HOUR_S
        return OpenedForm(token, name, form.fill_seconds, hours, form.photos)

    async def count_arrival(self) -> None:
        """Count that a form is opened or sent, before its body is read; raises ``RateLimited``
        (``PUBLIC_TOO_OFTEN``)."""
        form = self.found.form
        if form.opened_by:
            await self.count(self.by_prefix("arrival", LOOKS_PER_MINUTE * 2, MINUTE_S))
        if form.photos or not form.opened_by:
            await self.count(self.by_prefix("arrivals", form.per_hour * TRIES * 2, HOUR_S))

    async def announce(self, new: NewPhoto) -> GrantedPhoto:
        """Where a photo that will come with the form is uploaded; raises as
        :func:`~jingwei_core.presence.photos.announce_photo`."""
        return await announce_photo(self, new, PHOTOS_PER_HOUR)

    async def take(self, sent: Sent) -> bytes:
        """What the plugin answers to what was sent, as JSON; the same to the same form.

        Raises ``Denied`` (``PUBLIC_FORM_EXPIRED``, ``PUBLIC_FORM_TOO_FAST``,
        ``PUBLIC_PHOTO_UNKNOWN``), ``Invalid`` (``PUBLIC_FORM_INVALID``, ``PUBLIC_PHOTO_TOO_MANY``,
        ``PUBLIC_PHOTO_TWICE`` and what is wrong with a photo), ``NotFound``
        (``PUBLIC_CODE_UNKNOWN``, ``EVIDENCE_NOT_FOUND``), ``Conflict`` (``PUBLIC_PHOTO_USED``),
        ``RateLimited`` (``PUBLIC_TOO_OFTEN``), what the plugin refuses, ``Unavailable``:
        ``PUBLIC_FORM_FAILED`` when it fails, takes longer than
        :data:`~jingwei_core.presence.public.WITHIN_S` or says too much, ``PLUGIN_PAUSED``.
        Whatever is raised, nothing is written.
        """
        asked, declared = self._asked(sent), self.found.form
        if declared.opened_by:
            # All forms that a code opens count together.
            giving = _desk(self.platform, self.found, declared.opened_by)
            await replace(self, desk=giving).count_use(asked.digest)
        async with self._acting() as ctx:
            kept = await ctx.unit.fetchval(_ANSWERED, asked.bucket)
        if kept is not None:
            return self.desk.unseal(asked.form, kept)
        if asked.pictures or not declared.opened_by:
            await self.count(
                self.by_prefix("taken", declared.per_hour, HOUR_S),
                Count("taken-in-all", str(self.found.tenant.id), declared.per_day, DAY_S),
            )
        if not asked.pictures:
            return await self._guarded(self._acting, asked)
        stage = CoreStage(self.platform, self.found.tenant, self.workers)
        async with inspected(stage, asked.pictures) as seen:
            await self._guarded(self._rehearsing, asked, seen)
            pictures = await keep_pictures(self.platform.store, seen)
        return await self._guarded(self._acting, asked, pictures)

    def _asked(self, sent: Sent) -> _Asked:
        declared, now = self.found.form, self.platform.clock.now()
        fields = _in_plain_texts(sent.fields)
        form = self.desk.opened(_text(fields, FORM), now, GOOD_FOR, declared.fill_seconds)
        code, digest, once = "", "", form.nonce
        if declared.gives_code and CODE not in fields:
            code = self.desk.code(form)
            fields[CODE] = digest = self.desk.digest(code)
        elif declared.gives_code:
            raise Invalid("PUBLIC_FORM_INVALID", field=CODE)
        elif declared.opened_by:
            giving = _desk(self.platform, self.found, declared.opened_by)
            fields[CODE] = digest = giving.digest(_text(fields, CODE))
            once = f"{form.nonce} {digest}"
        pictures: tuple[Picture, ...] = ()
        if declared.photos:
            pictures = self._pictures(fields.pop(PHOTOS, []), sent.pictures)
            fields[PHOTOS] = [str(each.id) for each in pictures]
        given = _given(fields, declared.given, strict=sent.pictures is None)
        bucket = self.desk.bucket("answered", once, 0)
        return _Asked(form, given, bucket, pictures, digest, code)

    def _pictures(self, tokens: object, came: Sequence[Picture] | None) -> tuple[Picture, ...]:
        most = self.found.form.photos
        if not isinstance(tokens, list) or not all(isinstance(each, str) for each in tokens):
            raise Invalid("PUBLIC_FORM_INVALID", field=PHOTOS)
        if len(tokens) + len(came or ()) > most:
            raise Invalid("PUBLIC_PHOTO_TOO_MANY", field=PHOTOS, limit=most)
        return (*(came or ()), *announced_pictures(self, tokens))

    def _acting(self) -> AbstractAsyncContextManager[CoreContext]:
        return self.acting_with(*self.found.form.acts_with)

    def _rehearsing(self) -> AbstractAsyncContextManager[CoreContext]:
        held = PermissionSet([Grant(EVERYWHERE, self.found.form.acts_with)])
        asked = self.visitor.request
        return onlooker_context(self.platform, self.found.tenant, (ACTOR, held), asked)

    async def _guarded(
        self, opening: _Opening, asked: _Asked, pictures: Sequence[KeptPicture] = ()
    ) -> bytes:
        found = self.found
        point = (found.tenant.id, found.plugin, f"form:{found.form.path}")

        events = EventService(PUBLIC, "event.report", found.action)

        async def work() -> bytes:
            async with opening() as ctx:
                return await self._taken(replace(ctx, events=events), asked, pictures)

        try:
            return await self.platform.hooks.guarded(point, work, WITHIN_S, (JingweiError,))
        except JingweiError:
            raise
        except Exception as error:
            # The type of it is counted; what it says may quote somebody's data.
            raise Unavailable("PUBLIC_FORM_FAILED", path=found.form.path) from error

    async def _taken(
        self, ctx: CoreContext, asked: _Asked, pictures: Sequence[KeptPicture]
    ) -> bytes:
        """Two that are sent at once wait for one another at the claim."""
        found = self.found
        if not await ctx.unit.fetchval(_CLAIM, asked.bucket, ctx.now() + GOOD_FOR):
            kept = await ctx.unit.fetchval(_ANSWERED, asked.bucket)
            return self.desk.unseal(asked.form, kept)
        await store_pictures(ctx, pictures)
        said = await found.form.take(given_to(found.plugin, ctx), asked.given)
        if said is None and found.form.opened_by:
            raise NotFound("PUBLIC_CODE_UNKNOWN", field=CODE, length=LENGTH)
        if said is None:
            raise TypeError
        answer = told({**said, CODE: asked.code} if asked.code else said)
        await ctx.unit.execute(_ANSWER, asked.bucket, self.desk.seal(asked.form, answer))
        await append_audit(ctx, f"public.{found.plugin}.{found.form.path}", None)
        return answer


def form_window(
    platform: "Platform",
    found: FoundForm,
    visitor: Visitor,
    workers: ImageWorkers,
) -> FormWindow:
    """The counter of a form for a visitor; ``workers`` look at photos."""
    desk = _desk(platform, found, found.form.path)
    return FormWindow(platform, visitor, desk, found, workers)


def _desk(platform: "Platform", found: FoundForm, path: str) -> Desk:
    return Desk(platform.settings, found.tenant, f"public-form {found.plugin}/{path}")


def _given(
    fields: Mapping[str, Any], shape: type[msgspec.Struct], *, strict: bool
) -> msgspec.Struct:
    try:
        return msgspec.convert(fields, shape, strict=strict)
    except msgspec.ValidationError as error:
        field = str(error).partition(" - at `$")[2].strip("`.") or None
        raise Invalid("PUBLIC_FORM_INVALID", field=field) from error


def _text(fields: dict[str, Any], name: str) -> str:
    """A field that is no field of the plugin's, taken out."""
    text = fields.pop(name, None)
    if not isinstance(text, str):
        raise Invalid("PUBLIC_FORM_INVALID", field=name)
    return text


def _in_plain_texts(sent: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {name: _plain(value) for name, value in sent.items()}
    except RecursionError as error:
        raise Invalid("PUBLIC_FORM_INVALID") from error


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value
