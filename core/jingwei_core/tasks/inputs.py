"""What the commands of tasks are given (任务命令的输入)."""

import uuid
from datetime import datetime
from typing import Annotated

import msgspec

from jingwei_core.events.deadlines import TimeLimit
from jingwei_core.events.step_evidence import AttachedEvidence
from jingwei_core.events.work_clock import TimeUnit

TEXT_LENGTH = 4000
MOST_DEPARTMENTS = 20
"""Departments of one joint operation at most."""

Title = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=200)]
Words = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=TEXT_LENGTH)]
Code = Annotated[str, msgspec.Meta(max_length=100)]
DepartmentId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Department"})]
AccountId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Account"})]
OperationId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "JointOperation"})]


class TaskLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long a task may take, counted by the tenant's work clock from now."""

    amount: Annotated[float, msgspec.Meta(gt=0, le=1000)]
    unit: TimeUnit = TimeUnit.WORK_DAY
    warn_at_percent: Annotated[int, msgspec.Meta(ge=1, le=99)] = 80

    def read(self) -> TimeLimit:
        """The same as rules say it."""
        return TimeLimit(self.amount, self.unit, self.warn_at_percent)


class OpenTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A task for a department, named by ``department`` or by ``department_code``, or for one of its
    members."""

    title: Title
    limit: TaskLimit
    department: DepartmentId | None = None
    department_code: Code | None = None
    assignee: AccountId | None = None
    certificate_kind: Code = ""
    asks_evidence: bool = False
    operation: OperationId | None = None


class OperationUnit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A department of a joint operation, what it has to do there, and until when."""

    limit: TaskLimit
    department: DepartmentId | None = None
    department_code: Code | None = None
    title: Annotated[str, msgspec.Meta(max_length=200)] = ""
    asks_evidence: bool = True


class PlanOperation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A joint operation: who leads it, when, and which departments go.

    Without ``lead`` whoever of the leading department accepts its task leads.
    """

    title: Title
    planned_at: datetime
    units: Annotated[
        tuple[OperationUnit, ...], msgspec.Meta(min_length=1, max_length=MOST_DEPARTMENTS)
    ]
    lead: AccountId | None = None
    lead_department: DepartmentId | None = None
    lead_department_code: Code | None = None
    certificate_kind: Code = ""


class WithReason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why."""

    reason: Words


class HandOverTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The department that the task is a matter of, and why."""

    reason: Words
    department: DepartmentId | None = None
    department_code: Code | None = None


class CompleteTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was done, and pictures of it."""

    result: Words
    evidence: tuple[AttachedEvidence, ...] = ()


class ReopenTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a returned task is to be done all the same; without a limit it has that of before."""

    reason: Words
    limit: TaskLimit | None = None


class ExtendTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new limit, counted from now, that ends later than the present one."""

    reason: Words
    limit: TaskLimit


class AskTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The limit that would be enough, counted from now, and why."""

    reason: Words
    limit: TaskLimit
