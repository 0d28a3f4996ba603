"""Reading departments, event kinds, forms and deadlines of a package."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal

from jsonschema import Draft202012Validator, SchemaError

from jingwei_core.events.deadlines import WHOLE_LOOP
from jingwei_core.events.work_clock import TimeUnit
from jingwei_core.events.workflow import StateKind, WorkflowDefinition
from jingwei_core.tenants.package_files import PackageFolder, Record
from jingwei_core.tenants.package_model import (
    DeadlineRow,
    DepartmentRow,
    FormRow,
    KindRow,
    PlaceRow,
)
from jingwei_core.tenants.package_problems import Findings

DEPARTMENT_COLUMNS = (
    "code",
    "parent",
    "name_zh",
    "name_en",
    "duties_zh",
    "duties_en",
    "level",
    "place",
)
KIND_COLUMNS = (
    "code",
    "parent",
    "name_zh",
    "name_en",
    "department",
    "workflow",
    "form",
    "deadline",
    "grade",
    "photo_required",
    "source",
)
DEADLINE_COLUMNS = ("profile", "state", "amount", "unit", "warn_at_percent", "source")
KIND_DEPTH = 3
"""Kinds are reported at the third level: 大类, 中类, 小类."""

FORBIDDEN_FIELD = re.compile(
    r"宗教|信仰|信教|邪教|religio|belief|faith|risk_?score|风险(?:评分|积分)", re.IGNORECASE
)
"""No form may ask for belief (个人信息保护法 art. 28-29) or score a person (art. 24)."""

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SUFFIX = ".schema.json"


def read_departments(
    folder: PackageFolder, places: Mapping[str, PlaceRow]
) -> tuple[DepartmentRow, ...]:
    """The departments, parents first; each serves a place and stands at that place's level."""
    found: dict[str, tuple[DepartmentRow, Record]] = {}
    for record in folder.table("departments.csv", DEPARTMENT_COLUMNS):
        row = DepartmentRow(
            code=record.code("code"),
            parent=record.optional("parent"),
            name_zh=record.text("name_zh"),
            name_en=record.text("name_en"),
            duties_zh=record.text("duties_zh"),
            duties_en=record.text("duties_en"),
            level=record.text("level"),
            place=record.text("place"),
        )
        place = places.get(row.place)
        if row.place and place is None:
            record.refuse("PACKAGE_UNKNOWN_PLACE", "place", value=row.place)
        elif place is not None and place.level != row.level:
            record.refuse("PACKAGE_DEPARTMENT_LEVEL", "level", value=row.level, place=row.place)
        if row.code in found:
            record.refuse("PACKAGE_DUPLICATE", "code", value=row.code)
        elif row.code:
            found[row.code] = (row, record)
    parents = {code: row.parent for code, (row, _) in found.items()}
    depths = {code: _depth(code, parents) for code in parents}
    for code, (row, record) in found.items():
        if row.parent and row.parent not in found:
            record.refuse("PACKAGE_UNKNOWN_PARENT", "parent", value=row.parent)
        elif depths[code] is None:
            record.refuse("PACKAGE_CYCLE", "parent", value=row.parent)
    return tuple(
        row for row, _ in sorted(found.values(), key=lambda pair: depths[pair[0].code] or 0)
    )


def _depth(code: str, parents: Mapping[str, str]) -> int | None:
    """Steps up to the root, or none in a circle."""
    seen = {code}
    depth = 0
    while (code := parents.get(code, "")) != "":
        if code in seen:
            return None
        seen.add(code)
        depth += 1
    return depth


def read_forms(folder: PackageFolder) -> tuple[FormRow, ...]:
    """The forms of ``events/forms/*.schema.json``; the file name is the code."""
    forms: list[FormRow] = []
    for file in folder.names("events/forms", _SUFFIX):
        text = folder.text(file)
        if text is None:
            continue
        try:
            schema = json.loads(text)
        except (json.JSONDecodeError, RecursionError, ValueError) as error:
            folder.findings.problem("PACKAGE_JSON", file, None, None, reason=error)
            continue
        try:
            row = _form(file, schema, folder.findings)
        except RecursionError as error:
            folder.findings.problem("PACKAGE_FORM_SCHEMA", file, None, None, reason=error)
            continue
        if row is not None:
            forms.append(row)
    return tuple(forms)


def _form(file: str, schema: object, findings: Findings) -> FormRow | None:
    if not isinstance(schema, dict) or schema.get("type") != "object":
        findings.problem("PACKAGE_FORM_OBJECT", file, None, "type")
        return None
    if schema.get("$schema") != _DIALECT:
        findings.problem("PACKAGE_FORM_DIALECT", file, None, "$schema", expected=_DIALECT)
        return None
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        path = ".".join(str(part) for part in error.absolute_path)
        findings.problem("PACKAGE_FORM_SCHEMA", file, None, path or None, reason=error.message)
        return None
    for reference in _references(schema):
        if not reference.startswith("#"):
            findings.problem("PACKAGE_FORM_REFERENCE", file, None, "$ref", value=reference)
    title = _titles(file, "title", schema, findings)
    properties = schema.get("properties", {})
    for name, field in properties.items():
        if not isinstance(field, dict):
            findings.problem("PACKAGE_FORM_SCHEMA", file, None, name, reason="boolean schema")
            continue
        titles = _titles(file, name, field, findings)
        if any(FORBIDDEN_FIELD.search(word) for word in (name, *titles)):
            findings.problem("PACKAGE_FORM_FORBIDDEN", file, None, name)
    for name in schema.get("required", []):
        if name not in properties:
            findings.problem("PACKAGE_FORM_REQUIRED", file, None, name)
    code = file.rpartition("/")[2].removesuffix(_SUFFIX)
    return FormRow(code, *title, schema)


def _references(schema: object) -> Iterator[str]:
    """What the schema points to; anything outside it could be fetched from a stranger."""
    if isinstance(schema, dict):
        for name, value in schema.items():
            if name in ("$ref", "$dynamicRef") and isinstance(value, str):
                yield value
            yield from _references(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _references(item)


def _titles(
    file: str, name: str, schema: Mapping[str, object], findings: Findings
) -> tuple[str, str]:
    zh, en = schema.get("title"), schema.get("x-title-en")
    if isinstance(zh, str) and zh and isinstance(en, str) and en:
        return zh, en
    findings.problem("PACKAGE_FORM_TITLE", file, None, name)
    return "", ""


def read_deadlines(
    folder: PackageFolder, workflows: Sequence[WorkflowDefinition], sources: frozenset[str]
) -> tuple[DeadlineRow, ...]:
    """The time limits; each state must exist in some workflow of the package, or be ``*`` for the
    whole loop."""
    states = frozenset(state.code for workflow in workflows for state in workflow.states)
    return read_limits(folder, "events/deadlines.csv", states, sources)


def read_limits(
    folder: PackageFolder, file: str, states: frozenset[str], sources: frozenset[str] | None
) -> tuple[DeadlineRow, ...]:
    """The time limits in one file, for these states and the whole loop; ``sources`` are those that
    may be named, ``None`` for any."""
    rows: dict[tuple[str, str], DeadlineRow] = {}
    for record in folder.table(file, DEADLINE_COLUMNS):
        row = DeadlineRow(
            profile=record.code("profile"),
            state=record.text("state"),
            amount=record.decimal("amount", Decimal("0.25"), Decimal(3660)),
            unit=record.choice("unit", TimeUnit),
            warn_at_percent=record.integer("warn_at_percent", 1, 99),
            source=record.text("source"),
        )
        if row.state and row.state not in states | {WHOLE_LOOP}:
            record.refuse("PACKAGE_UNKNOWN_STATE", "state", value=row.state)
        in_days = row.unit in (TimeUnit.DAY, TimeUnit.WORK_DAY)
        if in_days and row.amount != row.amount.to_integral_value():
            record.refuse("PACKAGE_NUMBER", "amount", value=row.amount, low=1, high=3660)
        if row.source and sources is not None and row.source not in sources:
            record.refuse("PACKAGE_UNKNOWN_SOURCE", "source", value=row.source)
        if (row.profile, row.state) in rows:
            record.refuse("PACKAGE_DUPLICATE", "state", value=f"{row.profile} {row.state}")
        rows[row.profile, row.state] = row
    return tuple(rows.values())


def warn_deadline_gaps(
    kinds: Iterable[KindRow],
    workflows: Iterable[WorkflowDefinition],
    deadlines: Iterable[DeadlineRow],
    findings: Findings,
) -> None:
    """Warn where an event could rest in a state without any time limit."""
    limited = {(row.profile, row.state) for row in deadlines}
    open_states = {
        row.code: [
            state.code
            for state in row.states
            if state.kind is not StateKind.FINAL and state.limit is None
        ]
        for row in workflows
    }
    pairs = {(kind.workflow, kind.deadline) for kind in kinds if kind.is_leaf}
    for workflow, profile in sorted(pairs):
        for state in open_states.get(workflow, []):
            if (profile, state) not in limited:
                findings.warning(
                    "PACKAGE_DEADLINE_GAP",
                    "events/deadlines.csv",
                    None,
                    "state",
                    profile=profile,
                    state=state,
                    workflow=workflow,
                )


class KindReader:
    """Reads ``events/kinds.csv`` against everything a kind may point to."""

    def __init__(self, **known: frozenset[str]) -> None:
        """``known``: codes by column: department, workflow, form, deadline, source."""
        self._known = known

    def read(self, folder: PackageFolder) -> tuple[KindRow, ...]:
        """The kinds, parents first; only leaves carry routing, workflow and deadline."""
        records = folder.table("events/kinds.csv", KIND_COLUMNS)
        branches = {record.cells["parent"] for record in records}
        found: dict[str, tuple[KindRow, Record]] = {}
        for record in records:
            row = self._kind(record, is_leaf=record.cells["code"] not in branches)
            if row.code in found:
                record.refuse("PACKAGE_DUPLICATE", "code", value=row.code)
            elif row.code:
                found[row.code] = (row, record)
        self._check_tree(found)
        return tuple(row for row, _ in sorted(found.values(), key=lambda pair: _parts(pair[0])))

    def _kind(self, record: Record, *, is_leaf: bool) -> KindRow:
        row = KindRow(
            code=record.code("code"),
            parent=record.optional("parent"),
            name_zh=record.text("name_zh"),
            name_en=record.text("name_en"),
            is_leaf=is_leaf,
            department=self._reference(record, "department", needed=is_leaf),
            workflow=self._reference(record, "workflow", needed=is_leaf),
            form=self._reference(record, "form", needed=False),
            deadline=self._reference(record, "deadline", needed=is_leaf),
            grade=record.integer("grade", 1, 4) if is_leaf else None,
            photo_required=record.is_yes("photo_required") if is_leaf else False,
            source=self._reference(record, "source", needed=is_leaf),
        )
        if any(FORBIDDEN_FIELD.search(word) for word in (row.name_zh, row.name_en)):
            record.refuse("PACKAGE_KIND_FORBIDDEN", "name_zh", value=row.name_zh)
        return row

    def _reference(self, record: Record, name: str, *, needed: bool) -> str:
        value = record.text(name) if needed else record.optional(name)
        if value and value not in self._known[name]:
            code = f"PACKAGE_UNKNOWN_{name.upper()}"
            record.refuse(code, name, value=value)
        return value

    def _check_tree(self, found: Mapping[str, tuple[KindRow, Record]]) -> None:
        for code, (row, record) in found.items():
            above = code.rpartition(".")[0]
            if row.parent != above:
                record.refuse("PACKAGE_KIND_PARENT", "parent", value=row.parent, expected=above)
            elif row.parent and row.parent not in found:
                record.refuse("PACKAGE_UNKNOWN_PARENT", "parent", value=row.parent)
            if row.is_leaf and code.count(".") != KIND_DEPTH - 1:
                record.refuse("PACKAGE_KIND_DEPTH", "code", value=code, depth=KIND_DEPTH)


def _parts(row: KindRow) -> tuple[int, str]:
    return row.code.count("."), row.code
