"""The story of a demo event (演示事件经过): which actions led to its state, and when."""

import hashlib
from collections import deque
from collections.abc import Sequence
from datetime import datetime, time, timedelta

from jingwei_core.events.workflow import MERGE, PREVIOUS, Action, WorkflowDefinition
from jingwei_core.events.workflow_walk import Spot, Walk

FIRST_HOUR, HOURS = 8, 9
"""Demo events are registered between 8:00 and 17:00 of the tenant."""

FROM_GRID = "grid_worker"
"""Where demo events come from."""

LONGEST_WAIT = timedelta(hours=20)
LATEST = timedelta(minutes=2)


def path_to(
    workflow: WorkflowDefinition, state: str, source: str = FROM_GRID
) -> tuple[Action, ...] | None:
    """The fewest actions that people take from registration to ``state``; ``None`` when none lead
    there. What the platform takes at once with a report from ``source`` is left out."""
    walk = Walk(workflow, source)
    begin = Spot(workflow.start, is_assigned=False)
    for code in workflow.intake_of(source):
        (begin,) = walk.after(begin, workflow.action(code))
    came: dict[Spot, tuple[Action, ...]] = {begin: ()}
    waiting = deque([begin])
    while waiting:
        spot = waiting.popleft()
        if spot.state == state:
            return came[spot]
        for action in walk.usable(spot):
            if action.to == PREVIOUS or action.code == MERGE:
                continue
            (after,) = walk.after(spot, action)
            if after not in came:
                came[after] = (*came[spot], action)
                waiting.append(after)
    return None


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
