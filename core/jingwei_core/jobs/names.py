"""The names of pgqueuer's objects in our database, whatever the environment says."""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pgqueuer.domain.settings import DBSettings

SCHEMA = "jobs"
CHANNEL: Final = "jingwei_jobs"

WAITING = -(2**31)
"""Priority of a job whose time has not come: pgqueuer's lowest, so that it never runs before one
that has a tag."""


def queue_settings() -> "DBSettings":
    """pgqueuer's settings with every name given, so that no variable of the environment counts."""
    # Whoever only wants the names need not load pgqueuer.
    from pgqueuer.domain.settings import DBSettings, Durability
    from pgqueuer.domain.types import Channel

    return DBSettings(
        prefix="",
        db_schema=SCHEMA,
        channel=Channel(CHANNEL),
        function="fn_pgqueuer_changed",
        statistics_table="pgqueuer_statistics",
        queue_status_type="pgqueuer_status",
        queue_table="pgqueuer",
        queue_table_log="pgqueuer_log",
        trigger="tg_pgqueuer_changed",
        schedules_table="pgqueuer_schedules",
        durability=Durability.durable,
    )
