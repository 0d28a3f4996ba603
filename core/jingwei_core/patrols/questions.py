"""Questions about patrols and visits (巡查走访提问): what is due today, which visits are late."""

import uuid
from datetime import date, timedelta
from typing import Annotated

import msgspec

from jingwei_core.patrols.due import walks_due
from jingwei_core.patrols.records import READ_PATROLS, VISIT_NEED
from jingwei_sdk.context import Context
from jingwei_sdk.narrowing import Asker, AtMost, IsNull, Narrowed
from jingwei_sdk.questions import Question

MOST_DUE = 500


class DueQuestion(msgspec.Struct, frozen=True):
    """Whose patrols: those of the asker's own roles, or all in the asker's area."""

    of_all: Annotated[bool, msgspec.Meta(description="All in my area, not my roles' only.")] = False
    most: Annotated[int, msgspec.Meta(ge=1, le=MOST_DUE, description="How many at most.")] = 100


class DuePatrol(msgspec.Struct, frozen=True):
    """A place that a plan wants walked today (今日应巡)."""

    plan_id: Annotated[uuid.UUID, msgspec.Meta(extra={"record": "PatrolPlan"})]
    plan_name: str
    plan_name_en: str
    place_id: Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]
    place_name: str
    times: Annotated[int, msgspec.Meta(description="How often in the period.")]
    per: Annotated[str, msgspec.Meta(description="day, week or month")]
    done: Annotated[int, msgspec.Meta(description="How often in it so far, by whomever.")]


async def due_today(ctx: Context, given: DueQuestion) -> list[DuePatrol]:
    """What is still to be walked on the tenant's calendar day, by place."""
    below = ctx.permissions.paths(READ_PATROLS)
    rows = await walks_due(ctx, below, given.most, of_all=given.of_all)
    shown = DuePatrol.__struct_fields__
    return [DuePatrol(**{name: row[name] for name in shown}) for row in rows]


def visits_due(asker: Asker) -> Narrowed:
    """Needs whose next visit is due today or was due before."""
    return _until(_today(asker))


def overdue_visits(asker: Asker) -> Narrowed:
    """Needs whose next visit was due before today."""
    return _until(_today(asker) - timedelta(days=1))


def _until(day: date) -> Narrowed:
    return Narrowed((IsNull("ended_on"), AtMost("next_due_on", day)))


def _today(asker: Asker) -> date:
    return asker.now.astimezone(asker.tenant.timezone).date()


QUESTIONS = (
    Question(
        "due_today",
        DuePatrol,
        resolve=due_today,
        input=DueQuestion,
        is_list=True,
        permission=READ_PATROLS,
        cost=20,
        description="Patrols due today at my places (今日应巡).",
    ),
    Question(
        "visits_due",
        VISIT_NEED,
        narrow=visits_due,
        is_page=True,
        signed_in=True,
        cost=5,
        description="Visits due today or late (应走访).",
    ),
    Question(
        "overdue_visits",
        VISIT_NEED,
        narrow=overdue_visits,
        is_page=True,
        signed_in=True,
        cost=5,
        description="Visits that are late (逾期未走访).",
    ),
)
