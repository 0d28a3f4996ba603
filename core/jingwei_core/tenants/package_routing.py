"""Reading the rules of routing of a package; any of the four files may be absent."""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from jingwei_core.events.deadlines import WHOLE_LOOP
from jingwei_core.events.whom import read_whom
from jingwei_core.events.work_clock import TimeUnit
from jingwei_core.events.workflow import Requirement
from jingwei_core.routing.ladder import NOTIFY, SUPERVISE
from jingwei_core.routing.rules import (
    ExtensionRow,
    HandlingRow,
    HandlingType,
    RouteRow,
    RoutingRules,
    RungRow,
)
from jingwei_core.tenants.package_files import PackageFolder, Record
from jingwei_core.tenants.package_model import TenantPackage
from jingwei_sdk.errors import Invalid

ROUTES, HANDLINGS = "events/routing.csv", "events/handling.csv"
RUNGS, EXTENSIONS = "events/escalation.csv", "events/extension.csv"
ROUTE_COLUMNS = ("kind", "level", "place", "department", "source")
HANDLING_COLUMNS = ("handling", "kind", "workflow", "source")
RUNG_COLUMNS = (
    *("kind", "state", "rung", "amount", "unit", "whom", "does"),
    *("answer_amount", "answer_unit", "source"),
)
EXTENSION_COLUMNS = ("kind", "most", "amount", "unit", "source")
LONGEST = Decimal(3660)
MOST_RUNGS = 20

Row = TypeVar("Row")


def read_routing(folder: PackageFolder, package: TenantPackage) -> RoutingRules:
    """The rules, each kind, place, department, role, state and action that they name checked."""
    return _Reader(folder, package).read()


class _Reader:
    def __init__(self, folder: PackageFolder, package: TenantPackage) -> None:
        self._folder = folder
        self._workflows = package.workflows
        self._roles = frozenset(row.code for row in package.roles)
        self._known = {
            "KIND_PREFIX": frozenset(row.code for row in package.kinds),
            "LEVEL": frozenset(row.code for row in package.levels),
            "PLACE": frozenset(row.code for row in package.places),
            "DEPARTMENT": frozenset(row.code for row in package.departments),
            "WORKFLOW": frozenset(row.code for row in package.workflows),
            "SOURCE": frozenset(row.code for row in package.sources),
        }

    def read(self) -> RoutingRules:
        return RoutingRules(
            routes=self._rows(ROUTES, ROUTE_COLUMNS, self._route, ("kind", "level", "place")),
            handlings=self._rows(HANDLINGS, HANDLING_COLUMNS, self._handling, ("handling", "kind")),
            rungs=self._rows(RUNGS, RUNG_COLUMNS, self._rung, ("kind", "state", "rung")),
            extensions=self._rows(EXTENSIONS, EXTENSION_COLUMNS, self._extension, ("kind",)),
        )

    def _rows(
        self,
        file: str,
        columns: tuple[str, ...],
        read: Callable[[Record], Row],
        key: tuple[str, ...],
    ) -> tuple[Row, ...]:
        if not (self._folder.path / file).is_file():
            return ()
        found: dict[tuple[str, ...], Row] = {}
        for record in self._folder.table(file, columns):
            row = read(record)
            if record.cells["kind"]:
                self._is_known(record, "kind", "KIND_PREFIX")
            if record.text("source"):
                self._is_known(record, "source", "SOURCE")
            told = tuple(record.cells[name] for name in key)
            if told in found:
                record.refuse("PACKAGE_DUPLICATE", key[-1], value=" ".join(told))
            found[told] = row
        return tuple(found.values())

    def _is_known(self, record: Record, name: str, what: str) -> None:
        value = record.cells[name]
        if value and value not in self._known[what]:
            record.refuse(f"PACKAGE_UNKNOWN_{what}", name, value=value)

    def _route(self, record: Record) -> RouteRow:
        row = RouteRow(
            kind=record.optional("kind"),
            level=record.optional("level"),
            place=record.optional("place"),
            department=record.text("department"),
        )
        for name in ("level", "place", "department"):
            self._is_known(record, name, name.upper())
        if row.level and row.place:
            record.refuse("PACKAGE_ROUTE_BOTH", "level", value=row.level, place=row.place)
        return row

    def _handling(self, record: Record) -> HandlingRow:
        row = HandlingRow(
            handling=record.choice("handling", HandlingType),
            kind=record.optional("kind"),
            workflow=record.text("workflow"),
        )
        self._is_known(record, "workflow", "WORKFLOW")
        for workflow in self._workflows:
            made_for = workflow.handling.value
            if workflow.code == row.workflow and made_for not in ("", row.handling.value):
                record.refuse(
                    "PACKAGE_HANDLING_OTHER", "workflow", value=row.workflow, handling=made_for
                )
        return row

    def _rung(self, record: Record) -> RungRow:
        answer = record.optional("answer_amount")
        row = RungRow(
            kind=record.optional("kind"),
            state=record.text("state"),
            rung=record.integer("rung", 1, MOST_RUNGS),
            amount=record.decimal("amount", Decimal(0), LONGEST),
            unit=record.choice("unit", TimeUnit),
            whom=record.text("whom"),
            does=record.text("does"),
            answer_amount=(
                record.decimal("answer_amount", Decimal(0), LONGEST) if answer else Decimal(0)
            ),
            answer_unit=record.choice("answer_unit", TimeUnit).value if answer else "",
        )
        _check_amount(record, "amount", row.amount, row.unit.value)
        _check_amount(record, "answer_amount", row.answer_amount, row.answer_unit)
        self._check_whom(record, row.whom)
        self._check_does(record, row)
        return row

    def _check_whom(self, record: Record, text: str) -> None:
        if not text:
            return
        try:
            whom = read_whom(text)
        except Invalid:
            record.refuse("PACKAGE_WHOM", "whom", value=text)
            return
        if whom.role and whom.role not in self._roles:
            record.refuse("PACKAGE_UNKNOWN_ROLE", "whom", value=whom.role)
        for what, value in (("LEVEL", whom.level), ("DEPARTMENT", whom.department)):
            if value and value not in self._known[what]:
                record.refuse(f"PACKAGE_UNKNOWN_{what}", "whom", value=value)

    def _check_does(self, record: Record, row: RungRow) -> None:
        """The state is one of a workflow, and from there an action is open that asks for nothing
        but a reason."""
        states = {state.code for workflow in self._workflows for state in workflow.states}
        if row.state and row.state not in states | {WHOLE_LOOP}:
            record.refuse("PACKAGE_UNKNOWN_STATE", "state", value=row.state)
        elif row.does and row.does not in (NOTIFY, SUPERVISE):
            open_ones = (
                action
                for workflow in self._workflows
                for action in workflow.actions
                if action.code == row.does
                and (row.state == WHOLE_LOOP or row.state in action.from_)
                and {*action.requires} <= {Requirement.REASON}
            )
            if next(open_ones, None) is None:
                record.refuse("PACKAGE_ESCALATION_ACTION", "does", value=row.does, state=row.state)

    def _extension(self, record: Record) -> ExtensionRow:
        row = ExtensionRow(
            kind=record.optional("kind"),
            most=record.integer("most", 0, MOST_RUNGS),
            amount=record.decimal("amount", Decimal("0.25"), LONGEST),
            unit=record.choice("unit", TimeUnit),
        )
        _check_amount(record, "amount", row.amount, row.unit.value)
        return row


def _check_amount(record: Record, name: str, amount: Decimal, unit: str) -> None:
    in_days = unit in (TimeUnit.DAY, TimeUnit.WORK_DAY)
    if in_days and amount != amount.to_integral_value():
        record.refuse("PACKAGE_NUMBER", name, value=amount, low=0, high=LONGEST)
