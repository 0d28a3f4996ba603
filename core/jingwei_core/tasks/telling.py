"""Telling people of a task (任务通知): whoever it waits for hears of it."""

from jingwei_core.events.ports import Message, is_there
from jingwei_core.events.tables import Event
from jingwei_core.session import CoreContext
from jingwei_core.tasks.tables import EventTask
from jingwei_sdk.context import Context

TOLD_OPENED = "TASK_OPENED"
"""The message about a new task."""

_MEMBERS = """
SELECT DISTINCT p.account FROM core.post p
  JOIN core.account a ON a.tenant_id = p.tenant_id AND a.id = p.account
 WHERE p.department = $1 AND a.status = 'active'
   AND p.valid_from <= $2 AND (p.valid_to IS NULL OR p.valid_to > $2)
 ORDER BY p.account
"""


async def tell_of_opened(ctx: Context, event: Event, task: EventTask) -> None:
    """Tell the person that the task is for, or the members of its department, substitutes among
    them: a substitute holds the posts of the one who is away."""
    assert isinstance(ctx, CoreContext)
    notifier = ctx.platform.event_ports.notifier
    if not is_there(notifier):
        return
    if task.assignee is not None:
        accounts = [task.assignee]
    else:
        rows = await ctx.data.fetch(_MEMBERS, task.department, ctx.clock.now())
        accounts = [row["account"] for row in rows]
    told = tuple(account for account in accounts if account != ctx.actor.account_id)
    if told:
        about = ("EventTask", task.id)
        message = Message(TOLD_OPENED, {"number": event.number}, about, task.place_path)
        await notifier.tell(ctx, told, message)
