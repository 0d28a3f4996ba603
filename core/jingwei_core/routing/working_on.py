"""Who works on an event (承办): who answers for it and may ask for more time."""

from jingwei_core.events.authority import Desk, is_assigned
from jingwei_core.events.stepping import load_definition
from jingwei_core.events.tables import Event
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict


def is_on_desk(ctx: Context, event: Event) -> bool:
    """Whether the event is assigned to the actor, to whom the actor covers, or to a department of
    the actor's."""
    desk = Desk(event.place_path, event.assigned_department, event.assigned_account)
    return is_assigned(ctx, desk)


async def works_on(ctx: Context, event: Event) -> bool:
    """The same; for an event that nobody is assigned to, whoever may take an action on it; always
    its first receiver."""
    if is_on_desk(ctx, event) or event.first_receiver in ctx.actor.desks:
        return True
    if event.assigned_account is not None or event.assigned_department is not None:
        return False
    definition = await load_definition(ctx, event)
    actions = definition.actions_from(event.state)
    return any(ctx.permissions.allows(one.permission, event.place_path) for one in actions)


def require_open(event: Event, field: str = "id") -> None:
    """Raise ``Conflict`` (``EVENT_IS_CLOSED``) for an event that has come to its end."""
    if event.is_final:
        raise Conflict("EVENT_IS_CLOSED", field=field, number=event.number)
