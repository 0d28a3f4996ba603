"""Guards (守卫): what must hold before an action of a workflow may be taken, as data.

Each is a TOML table with the key ``guard``. Those of :data:`ON_STANDING` depend on who acts, where
and how the event stands; an action that fails one of them is not among the available actions. The
others depend on what the actor brings.
"""

from enum import StrEnum

import msgspec

from jingwei_core.events.work_clock import TimeUnit


class PhotoPhase(StrEnum):
    """When a photo was taken, seen from the handling (处置前, 处置后)."""

    BEFORE = "before"
    AFTER = "after"
    OTHER = "other"


class Of(StrEnum):
    """Which photos count: those of the step itself, or all of the event with them."""

    STEP = "step"
    EVENT = "event"


class Since(StrEnum):
    """From when a window runs."""

    CLOSED = "closed"
    REGISTERED = "registered"


class Duty(StrEnum):
    """The five actors of an event (五有): who found, reported, owns, solved and checked it."""

    FOUND = "found"
    REPORTED = "reported"
    OWNED = "owned"
    SOLVED = "solved"
    CHECKED = "checked"


class _Guard(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="guard", omit_defaults=True
):
    pass


class RoleGuard(_Guard, tag="role", frozen=True):
    """The actor holds one of the roles at the event's place or above (角色)."""

    roles: tuple[str, ...]


class PostGuard(_Guard, tag="post", frozen=True):
    """The actor holds one of the roles at the event's place of that level, or above (岗位)."""

    roles: tuple[str, ...]
    level: str


class DepartmentGuard(_Guard, tag="department", frozen=True):
    """The actor is of that department: ``assigned`` for the one the event is assigned to, or a
    department's code (部门)."""

    department: str


class CertificateGuard(_Guard, tag="certificate", frozen=True):
    """The actor's certificate of that kind is valid today (执法证)."""

    kind: str


class EvidenceGuard(_Guard, tag="evidence", frozen=True):
    """There are at least so many photos of the phase (证据)."""

    phase: PhotoPhase
    at_least: int = 1
    of: Of = Of.STEP


class FieldsGuard(_Guard, tag="fields", frozen=True):
    """The fields of the event's form are filled, by this step or before it (必填项)."""

    fields: tuple[str, ...]


class TasksDoneGuard(_Guard, tag="tasks_done", frozen=True):
    """No sub-task of the event is open (子任务全部办结)."""


class AcknowledgedGuard(_Guard, tag="acknowledged", frozen=True):
    """Everybody to whom the event was reported upward has acknowledged it (双报告已签收)."""


class WithinGuard(_Guard, tag="within", frozen=True):
    """No more than that time has passed since the event was closed or registered (时限窗口)."""

    amount: float
    unit: TimeUnit
    since: Since = Since.CLOSED


class OtherThanGuard(_Guard, tag="other_than", frozen=True):
    """The actor is not the one who did that duty: nobody checks their own work (回避)."""

    duty: Duty


Guard = (
    RoleGuard
    | PostGuard
    | DepartmentGuard
    | CertificateGuard
    | EvidenceGuard
    | FieldsGuard
    | TasksDoneGuard
    | AcknowledgedGuard
    | WithinGuard
    | OtherThanGuard
)

ON_STANDING = (
    RoleGuard,
    PostGuard,
    DepartmentGuard,
    CertificateGuard,
    TasksDoneGuard,
    AcknowledgedGuard,
    WithinGuard,
    OtherThanGuard,
)
"""The guards that do not depend on what a step brings."""
