"""Opening events for plugins: :class:`jingwei_sdk.context.Events` of the running platform."""

import uuid

from jingwei_core.events.kinds import reportable_kind
from jingwei_core.events.placing import resolve_placing
from jingwei_core.events.public_face import progress_of_source
from jingwei_core.events.registration import Registration, register
from jingwei_core.events.reporting import PUBLIC, clean_text
from jingwei_core.events.step_evidence import AttachedEvidence, claim_evidence
from jingwei_core.events.workflow_guards import PhotoPhase
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context, OpenEvent
from jingwei_sdk.errors import Invalid
from jingwei_sdk.progress import PublicProgress

PLUGIN_SOURCE = "plugin"


class EventService:
    """The core's event service; one for all tenants.

    ``source`` is what events that it opens come from. With ``permission`` the actor has to hold it
    where the event is.
    """

    def __init__(self, source: str = PLUGIN_SOURCE, permission: str = "") -> None:
        self._source = source
        self._permission = permission

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
        return await progress_of_source(ctx, event_id, (PUBLIC, PLUGIN_SOURCE))
