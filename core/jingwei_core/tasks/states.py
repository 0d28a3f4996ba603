"""The states of tasks and of joint operations (子任务状态, 联合执法状态)."""

from collections.abc import Mapping
from enum import StrEnum


class TaskState(StrEnum):
    """Where a task stands."""

    OPEN = "open"
    """待接收"""
    ACCEPTED = "accepted"
    """办理中"""
    RETURNED = "returned"
    """已退回: waits for whoever opened it"""
    DONE = "done"
    """已完成"""
    CANCELLED = "cancelled"
    """已取消"""
    HANDED_OVER = "handed_over"
    """已移交: goes on as the task of another department"""


class OperationState(StrEnum):
    """Where a joint operation stands; it follows its tasks."""

    PLANNED = "planned"
    """进行中"""
    DONE = "done"
    """已完成"""
    CANCELLED = "cancelled"
    """已取消"""


class TaskAction(StrEnum):
    """What is done with a task; its command is ``event.task.<action>``."""

    ACCEPT = "accept"
    HAND_OVER = "hand-over"
    COMPLETE = "complete"
    RETURN = "return"
    REOPEN = "reopen"
    ASK_TIME = "ask-time"
    EXTEND = "extend"
    REFUSE_TIME = "refuse-time"
    CANCEL = "cancel"


_WAITING = frozenset({TaskState.OPEN, TaskState.ACCEPTED, TaskState.RETURNED})
_AT_WORK = frozenset({TaskState.OPEN, TaskState.ACCEPTED})
FROM: Mapping[TaskAction, frozenset[TaskState]] = {
    TaskAction.ACCEPT: frozenset({TaskState.OPEN}),
    TaskAction.HAND_OVER: _AT_WORK,
    TaskAction.COMPLETE: frozenset({TaskState.ACCEPTED}),
    TaskAction.RETURN: _AT_WORK,
    TaskAction.REOPEN: frozenset({TaskState.RETURNED}),
    TaskAction.ASK_TIME: _AT_WORK,
    TaskAction.EXTEND: _AT_WORK,
    TaskAction.REFUSE_TIME: _AT_WORK,
    TaskAction.CANCEL: _WAITING,
}
"""From which states each action is possible; whatever else is refused."""
