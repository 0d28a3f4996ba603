"""Steps of the public (公众办理): what somebody without an account may do to an event, since the
tenant's own rules name the action."""

from dataclasses import replace

from jingwei_core.access.permissions import Grant, PermissionSet
from jingwei_core.events.guarding import require_guards
from jingwei_core.events.stepping import Step, case_of, load_definition, take_step
from jingwei_core.events.tables import Event
from jingwei_core.session import CoreContext


async def take_for_public(ctx: CoreContext, event: Event, step: Step) -> Event:
    """Take a step on a locked event, with the permission that its action asks for: the tenant's
    rules give it to the public for this event. Raises as ``take_step``."""
    action = (await load_definition(ctx, event)).allowed(event.state, step.action)
    await require_guards(ctx, action, case_of(event))
    return await take_step(_entitled(ctx, event.place_path, action.permission), event, step)


def _entitled(ctx: CoreContext, path: str, permission: str) -> CoreContext:
    held = [
        Grant(at, (name,)) for name, places in ctx.permissions.grants().items() for at in places
    ]
    given = PermissionSet([*held, Grant(path, (permission,))])
    return replace(ctx, permissions=given)
