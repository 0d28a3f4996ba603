"""The story of a demo event (演示事件经过): which actions led to its state, and when."""

import hashlib
from collections import deque
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from jingwei_core.events.workflow import Action, WorkflowDefinition

FIRST_HOUR, HOURS = 8, 9
"""Demo events are registered between 8:00 and 17:00 of the tenant."""

LONGEST_WAIT = timedelta(hours=20)
LATEST = timedelta(minutes=2)


def path_to(workflow: WorkflowDefinition, state: str) -> tuple[Action, ...] | None:
    """The fewest actions from the start state to ``state``; ``None`` when none lead there."""
    came: dict[str, tuple[Action, ...]] = {workflow.start: ()}
    waiting = deque([workflow.start])
    while waiting and state not in came:
        at = waiting.popleft()
        for action in workflow.actions:
            if at in action.from_ and action.to not in came:
                came[action.to] = (*came[at], action)
                waiting.append(action.to)
    return came.get(state)


def turn_of(code: str) -> int:
    """A number that depends on the code only: the same demo at every start."""
    return int.from_bytes(hashlib.sha256(code.encode()).digest()[:4])


def instants(code: str, days_ago: int, steps: int, now: datetime) -> Sequence[datetime]:
    """When the event was registered and when each of its ``steps`` was taken, all before ``now``.

    ``now`` is aware, in the tenant's zone.
    """
    turn = turn_of(code)
    day = (now - timedelta(days=days_ago)).date()
    start = datetime.combine(day, time(FIRST_HOUR), now.tzinfo)
    start += timedelta(hours=turn % HOURS, minutes=turn % 60)
    start = min(start, now - timedelta(hours=1 + turn % 5))
    room = (now - LATEST - start) / (steps + 1)
    wait = min(LONGEST_WAIT * (1 + turn % 10) / 10, room)
    return [start + wait * number for number in range(steps + 1)]
