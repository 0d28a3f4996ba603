"""Events for plugins: :class:`jingwei_sdk.context.Events` of the running platform."""

import uuid

from jingwei_core.events.kinds import reportable_kind
from jingwei_core.events.placing import resolve_placing
from jingwei_core.events.public_face import progress_of_source
from jingwei_core.events.public_steps import take_for_public
from jingwei_core.events.registration import Registration, register
from jingwei_core.events.reporting import PUBLIC, clean_text
from jingwei_core.events.step_evidence import AttachedEvidence, claim_evidence
from jingwei_core.events.stepping import Step, take_step
from jingwei_core.events.tables import Event
from jingwei_core.events.workflow_guards import PhotoPhase
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context, OpenEvent
from jingwei_sdk.errors import Conflict, Invalid, NotFound
from jingwei_sdk.progress import PublicProgress

PLUGIN_SOURCE = "plugin"
_TOLD = (PUBLIC, PLUGIN_SOURCE)
"""Of what comes from here the public is told how it stands."""


class EventService:
    """The core's event service; one for all tenants.

    ``source`` is what events that it opens come from. With ``permission`` the actor has to hold it
    where the event is. With ``public_action``, empty or not, that is the only one that is taken,
    for the public; otherwise the actor has to hold what an action asks for.
    """

    def __init__(
        self,
        source: str = PLUGIN_SOURCE,
        permission: str = "",
        public_action: str | None = None,
    ) -> None:
        self._source = source
        self._permission = permission
        self._public_action = public_action

    async def open(self, ctx: Context, new: OpenEvent) -> uuid.UUID:
        """Register an event in the transaction of ``ctx`` and return its id.

        The actor of ``ctx`` becomes its reporter. The plugin's own command has checked the
        permission: an inspector who may record a hazard needs no ``event.report`` for it. No photo
        is asked for, since the record it is about carries the plugin's own evidence.

        Raises ``Invalid`` for an unknown kind, place or form, or a ``due_at`` without a zone or in
        the past, or photos that the actor may not attach; ``Conflict`` (``EVENT_EVIDENCE_USED``);
        ``Denied`` (``PERMISSION_DENIED``).
        """
        kind = await reportable_kind(ctx, new.kind, by_plugin=True)
        placing = await resolve_placing(ctx, new.place_id, None)
        if self._permission:
            ctx.require(self._permission, placing.place.path)
        if new.due_at is not None and new.due_at.utcoffset() is None:
            raise Invalid("TIME_WITHOUT_ZONE", field="dueAt", value=new.due_at.isoformat())
        photos = [AttachedEvidence(photo, PhotoPhase.BEFORE) for photo in new.photos]
        subject = None
        if new.subject_type is not None and new.subject_id is not None:
            subject = (new.subject_type, new.subject_id)
        registration = Registration(
            kind=kind,
            placing=placing,
            title=clean_text("title", new.title),
            source=self._source,
            description=new.description.strip(),
            form=kind.form.check(new.form),
            evidence=await claim_evidence(ctx, photos),
            subject=subject,
            due_at=new.due_at,
        )
        event = await register(ctx, registration)
        return event.id

    async def progress(self, ctx: Context, event_id: uuid.UUID) -> PublicProgress:
        """How an event that the public or a plugin opened stands; see
        :meth:`jingwei_sdk.context.Events.progress`."""
        assert isinstance(ctx, CoreContext)
        return await progress_of_source(ctx, event_id, _TOLD)

    async def act(
        self, ctx: Context, event_id: uuid.UUID, action: str, *, note: str = "", reason: str = ""
    ) -> None:
        """Take an action of the event's workflow in the transaction of ``ctx``; see
        :meth:`jingwei_sdk.context.Events.act`."""
        assert isinstance(ctx, CoreContext)
        event = await ctx.data.lock(Event, event_id)
        step = Step(action, note=note.strip(), reason=reason.strip())
        if self._public_action is None:
            _require_sight(event, ctx.permissions.allows("event.read", event.place_path))
            await take_step(ctx, event, step)
            return
        _require_sight(event, event.source in _TOLD)
        if action != self._public_action:
            raise Conflict(
                "EVENT_ACTION_NOT_ALLOWED", field="action", action=action, state=event.state
            )
        await take_for_public(ctx, event, step)


def _require_sight(event: Event, is_seen: bool) -> None:
    """What is out of sight reads like what is not there."""
    if not is_seen:
        raise NotFound("ROW_NOT_FOUND", record=Event.__name__, id=str(event.id))
