"""Effects (效果): what an action of a workflow does besides moving the event, as data.

Each is a TOML table with the key ``effect``; they happen in the transaction of the step, in the
order of the definition.
"""

from enum import StrEnum

import msgspec

from jingwei_core.events.deadlines import TimeLimit
from jingwei_core.events.workflow_guards import PhotoPhase


class AssignTo(StrEnum):
    """Whom an event goes to without the actor naming them."""

    ROUTE = "route"
    """The department that the tenant's routing names for the kind and the place (扁平化分流)."""
    KIND = "kind"
    """The department of the kind."""
    FIRST_RECEIVER = "first_receiver"
    """Who received it first (首问负责)."""
    REPORTER = "reporter"
    """Who reported it, as a department's result goes back to the reporter (反馈)."""
    CLEAR = "clear"


class ClockDoes(StrEnum):
    """What happens to the clock of the whole loop."""

    PAUSE = "pause"
    RESUME = "resume"
    RESTART = "restart"


class _Effect(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="effect", omit_defaults=True
):
    pass


class AssignEffect(_Effect, tag="assign", frozen=True):
    """Assign the event (指派)."""

    to: AssignTo


class NotifyEffect(_Effect, tag="notify", frozen=True):
    """Tell people (通知): ``whom`` in the grammar of :mod:`jingwei_core.events.whom`, ``message``
    a code of the catalogue."""

    whom: str
    message: str


class TaskEffect(_Effect, tag="task", frozen=True):
    """Open a sub-task (子任务) for people or for a department: exactly one of the two."""

    title_zh: str
    title_en: str
    whom: str = ""
    department: str = ""
    limit: TimeLimit | None = None


class ClockEffect(_Effect, tag="clock", frozen=True):
    """Stop, go on with, or begin anew the clock of the whole loop (挂起, 恢复, 重新计时)."""

    does: ClockDoes


class AskEvidenceEffect(_Effect, tag="ask_evidence", frozen=True):
    """The next step that leads on must bring a photo of this phase (补充证据)."""

    phase: PhotoPhase


class ReportUpEffect(_Effect, tag="report_up", frozen=True):
    """Report the event upward (双报告); each recipient has to acknowledge it."""

    whom: tuple[str, ...]


Effect = AssignEffect | NotifyEffect | TaskEffect | ClockEffect | AskEvidenceEffect | ReportUpEffect


def whom_of(effect: Effect) -> tuple[str, ...]:
    """The texts by which an effect names people."""
    whom = getattr(effect, "whom", ())
    return (whom,) if isinstance(whom, str) else tuple(whom)
