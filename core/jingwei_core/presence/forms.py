"""Taking public forms (公开表单): from anybody, once for each form, with what the form acts with.

Three parts: what was sent is judged without the database, the call is counted in a transaction of
its own, and what the plugin does, the answer that is kept and the audit row are one transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.plugin_context import given_to
from jingwei_core.events.opening import EventService
from jingwei_core.events.reporting import PUBLIC
from jingwei_core.presence.desk import Desk, FormToken
from jingwei_core.presence.public import WITHIN_S, FoundForm, told
from jingwei_core.presence.visitors import DAY_S, HOUR_S, TRIES, Count, Visitor, Window, plain
from jingwei_core.session import CoreContext, Request
from jingwei_sdk.errors import Invalid, JingweiError, Unavailable

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

GOOD_FOR = timedelta(hours=12)
"""For so long a form that was opened may be sent; the platform's own number."""
FORM = "form"
"""The field of what is sent that holds the token."""

_EVENTS = EventService(PUBLIC, "event.report")
_CLAIM = """
INSERT INTO core.public_call (bucket, ends_at, answer) VALUES ($1, $2, '')
ON CONFLICT (tenant_id, bucket) DO NOTHING RETURNING true
"""
_ANSWERED = "SELECT answer FROM core.public_call WHERE bucket = $1"
_ANSWER = "UPDATE core.public_call SET answer = $2 WHERE bucket = $1"


class OpenedForm(msgspec.Struct, frozen=True, rename="camel"):
    """A new form: its token, to be sent back as ``form`` after ``fill_seconds`` at the earliest."""

    form: str
    name: str
    fill_seconds: int
    good_for_hours: int


@dataclass(frozen=True, slots=True)
class FormWindow(Window):
    """The counter at which one form is taken."""

    found: FoundForm

    def opened(self) -> OpenedForm:
        """A new form."""
        form = self.found.form
        name = form.en if self.visitor.request.locale == "en" else form.zh
        token = self.desk.form(self.platform.clock.now())
        return OpenedForm(token, name, form.fill_seconds, int(GOOD_FOR.total_seconds()) // HOUR_S)

    async def count_arrival(self) -> None:
        """Count that a form is opened or sent, before its body is read; raises ``RateLimited``
        (``PUBLIC_TOO_OFTEN``)."""
        most = self.found.form.per_hour * TRIES * 2
        await self.count(self.by_prefix("arrival", most, HOUR_S))

    async def take(self, sent: Mapping[str, Any]) -> bytes:
        """What the plugin answers to what was sent, as JSON; the same to the same form.

        Raises ``Denied`` (``PUBLIC_FORM_EXPIRED``, ``PUBLIC_FORM_TOO_FAST``), ``Invalid``
        (``PUBLIC_FORM_INVALID``), ``RateLimited`` (``PUBLIC_TOO_OFTEN``), what the plugin refuses,
        ``Unavailable``: ``PUBLIC_FORM_FAILED`` when it fails, takes longer than
        :data:`~jingwei_core.presence.public.WITHIN_S` or says too much, ``PLUGIN_PAUSED``.
        Whatever is raised, nothing is written.
        """
        declared = self.found.form
        token, given = sent.get(FORM), _given(sent, declared.given)
        if not isinstance(token, str):
            raise Invalid("PUBLIC_FORM_INVALID", field=FORM)
        now = self.platform.clock.now()
        form = self.desk.opened(token, now, GOOD_FOR, declared.fill_seconds)
        async with self.acting_with() as ctx:
            kept = await ctx.unit.fetchval(_ANSWERED, self._bucket(form))
        if kept is not None:
            return self.desk.unseal(form, kept)
        await self.count(
            self.by_prefix("taken", declared.per_hour, HOUR_S),
            Count("taken-in-all", str(self.found.tenant.id), declared.per_day, DAY_S),
        )
        return await self._guarded(form, given)

    async def _guarded(self, form: FormToken, given: msgspec.Struct) -> bytes:
        found = self.found
        point = (found.tenant.id, found.plugin, f"form:{found.form.path}")

        async def work() -> bytes:
            async with self.acting_with(*found.form.acts_with) as ctx:
                return await self._taken(replace(ctx, events=_EVENTS), form, given)

        try:
            return await self.platform.hooks.guarded(point, work, WITHIN_S, (JingweiError,))
        except JingweiError:
            raise
        except Exception as error:
            # The type of it is counted; what it says may quote somebody's data.
            raise Unavailable("PUBLIC_FORM_FAILED", path=found.form.path) from error

    async def _taken(self, ctx: CoreContext, form: FormToken, given: msgspec.Struct) -> bytes:
        """Two that are sent at once wait for one another at the claim."""
        found, bucket = self.found, self._bucket(form)
        if not await ctx.unit.fetchval(_CLAIM, bucket, ctx.now() + GOOD_FOR):
            return self.desk.unseal(form, await ctx.unit.fetchval(_ANSWERED, bucket))
        answer = told(await found.form.take(given_to(found.plugin, ctx), given))
        await ctx.unit.execute(_ANSWER, bucket, self.desk.seal(form, answer))
        await append_audit(ctx, f"public.{found.plugin}.{found.form.path}", None)
        return answer

    def _bucket(self, form: FormToken) -> str:
        return self.desk.bucket("answered", form.nonce, 0)


def form_window(
    platform: "Platform", found: FoundForm, address: str, request: Request
) -> FormWindow:
    """The counter of a form for a visitor; ``address`` is where they come from."""
    purpose = f"public-form {found.plugin}/{found.form.path}"
    desk = Desk(platform.settings, found.tenant, purpose)
    return FormWindow(platform, Visitor(found.tenant, address, request), desk, found)


def _given(sent: Mapping[str, Any], shape: type[msgspec.Struct]) -> msgspec.Struct:
    """The fields of the form in plain texts; raises ``Invalid`` (``PUBLIC_FORM_INVALID``)."""
    try:
        fields = {name: _plain(value) for name, value in sent.items() if name != FORM}
        return msgspec.convert(fields, shape)
    except (msgspec.ValidationError, RecursionError) as error:
        field = str(error).partition(" - at `$")[2].strip("`.") or None
        raise Invalid("PUBLIC_FORM_INVALID", field=field) from error


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value
