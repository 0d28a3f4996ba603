"""Who may take which action of a workflow on which event (办理权限)."""

import uuid
from dataclasses import dataclass

from jingwei_core.events.workflow import Action, By
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Denied


@dataclass(frozen=True, slots=True)
class Desk:
    """Where an event lies and who it is assigned to."""

    place_path: str
    department: uuid.UUID | None
    account: uuid.UUID | None


def is_assigned(ctx: Context, desk: Desk) -> bool:
    """Whether the event is on the actor's desk: assigned to the actor in person, to somebody whom
    the actor covers now, or to the actor's department. The platform itself acts for everybody."""
    if ctx.actor.kind == "system":
        return True
    if desk.account is not None and desk.account in ctx.actor.desks:
        return True
    return desk.department is not None and desk.department in ctx.actor.department_ids


def may_take(ctx: Context, action: Action, desk: Desk) -> bool:
    """Whether the actor may take the action: its permission at the event's place, and for actions
    of the assigned unit (承办单位) membership too."""
    if not ctx.permissions.allows(action.permission, desk.place_path):
        return False
    return action.by is By.ANYONE or is_assigned(ctx, desk)


def require_taking(ctx: Context, action: Action, desk: Desk) -> None:
    """Raise ``Denied`` (``PERMISSION_DENIED``, ``EVENT_NOT_ASSIGNED``) unless ``may_take``."""
    ctx.require(action.permission, desk.place_path)
    if action.by is By.ASSIGNED and not is_assigned(ctx, desk):
        raise Denied("EVENT_NOT_ASSIGNED", field="action", action=action.code)
