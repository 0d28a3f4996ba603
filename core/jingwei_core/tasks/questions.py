"""Questions about tasks (子任务提问): what waits for me."""

from jingwei_core.tasks.authority import HANDLE
from jingwei_core.tasks.records import EVENT_TASK
from jingwei_core.tasks.states import TaskState
from jingwei_sdk.narrowing import AnyOf, Asker, Condition, Equal, IsNull, Narrowed, OneOf, Under
from jingwei_sdk.questions import Question


def my_tasks(asker: Asker) -> Narrowed:
    """The tasks that wait for the asker: in person or for somebody on leave whom the asker covers,
    or as a member of the department while nobody has accepted them."""
    actor = asker.actor
    waits: tuple[Condition, ...] = (
        Equal("is_final", value=False),
        OneOf("state", (TaskState.OPEN.value, TaskState.ACCEPTED.value)),
        Under("place_path", tuple(asker.permissions.paths(HANDLE))),
    )
    mine: tuple[Condition, ...] = (OneOf("assignee", actor.desks),)
    ours: tuple[Condition, ...] = (
        OneOf("department", tuple(actor.department_ids)),
        IsNull("assignee"),
    )
    return Narrowed((AnyOf(((*waits, *mine), (*waits, *ours))),))


QUESTIONS = (
    Question(
        "my_tasks",
        EVENT_TASK,
        narrow=my_tasks,
        is_page=True,
        signed_in=True,
        cost=5,
        description="Tasks that wait for me (我的子任务).",
    ),
)
