"""Telling of assignments (派件通知): whoever an event is given to hears of it, workflow or not.

A job does it, queued in the last message of the step: taking a step asks nothing more of the
database for it. Who is meant then is who the event is still assigned to.
"""

import uuid
from collections.abc import Mapping
from typing import Any

from jingwei_core.events.authority import Desk
from jingwei_core.events.ports import is_there
from jingwei_core.events.tables import Event
from jingwei_core.events.whom import Who, Whom
from jingwei_core.events.workflow import Action
from jingwei_core.events.workflow_effects import NotifyEffect
from jingwei_core.jobs.core_jobs import NOTIFICATION_ASSIGNED
from jingwei_core.notifications.rules import rules_of
from jingwei_core.notifications.telling import Post, post
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context

ASSIGNED = "EVENT_ASSIGNED"


async def tell_if_given(ctx: Context, event: Event, action: Action, before: Desk) -> None:
    """Queue that those are told whom a step has assigned the event to, ``before`` being who had it;
    nothing where the action's own effect tells them."""
    unit = (event.assigned_department, event.assigned_account)
    if event.is_final or unit in ((None, None), (before.department, before.account)):
        return
    if any(isinstance(one, NotifyEffect) and one.whom == Who.ASSIGNED for one in action.effects):
        return
    told: dict[str, object] = {
        "event": str(event.id),
        "version": event.version,
        "by": str(ctx.actor.account_id) if ctx.actor.account_id else None,
        "department": str(event.assigned_department) if event.assigned_department else None,
        "account": str(event.assigned_account) if event.assigned_account else None,
    }
    await ctx.signals.enqueue(NOTIFICATION_ASSIGNED, told)


async def tell_assigned(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Tell them, unless the tenant's rules say otherwise or the event was given on since."""
    assert isinstance(ctx, CoreContext)
    recipients = ctx.platform.event_ports.recipients
    rules = await rules_of(ctx)
    found = await ctx.data.find(Event, id=uuid.UUID(payload["event"]))
    if not rules.assigned_is_told or not found or not is_there(recipients):
        return
    event = found[0]
    now = (event.assigned_department, event.assigned_account)
    if tuple(str(each) if each else None for each in now) != (
        payload["department"],
        payload["account"],
    ):
        return
    accounts = await recipients.resolve(ctx, Whom(Who.ASSIGNED), event)
    told = {each for each in accounts if str(each) != payload["by"]}
    about = ("Event", event.id)
    cause = f"{ASSIGNED}:{event.id}:{payload['version']}"
    await post(ctx, told, Post(ASSIGNED, {}, about, event.place_path, cause=cause))
