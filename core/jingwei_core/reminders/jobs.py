"""Reminders as jobs (提醒任务): each of a plugin's looks by its schedule for what is due."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jingwei_sdk.context import Context
from jingwei_sdk.plugin import Job, Plugin
from jingwei_sdk.reminders import Reminder


def jobs_of(plugin: Plugin) -> tuple[Job, ...]:
    """The jobs that the package declares, and one for each of its reminders."""
    return (*plugin.jobs, *(_job(plugin.id, reminder) for reminder in plugin.reminders))


def job_name(plugin_id: str, reminder: Reminder) -> str:
    """What the job of a reminder is called in the queue."""
    return f"{plugin_id}.remind-{reminder.code}"


def _job(plugin_id: str, reminder: Reminder) -> Job:
    return Job(
        job_name(plugin_id, reminder),
        Looking(plugin_id, reminder),
        schedule=reminder.schedule,
        most_waiting=1,
    )


@dataclass(frozen=True, slots=True)
class Looking:
    """The platform's own part of a reminder's job, whoever's the reminder is."""

    plugin_id: str
    reminder: Reminder

    async def __call__(self, ctx: Context, payload: Mapping[str, Any]) -> None:
        """Look for what is due and keep it."""
        # The rooms of the work need contexts, and contexts need the queue.
        from jingwei_core.reminders.telling import tell

        await tell(ctx, f"{self.plugin_id}.{self.reminder.code}", self.reminder)


async def remove_old_reminders(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Remove reminders of days that are long past."""
    from jingwei_core.reminders.telling import remove_old

    await remove_old(ctx)
