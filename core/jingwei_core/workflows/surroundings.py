"""What a workflow stands among (流程环境): the roles, places, kinds and rooms that it may name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from jingwei_core.event_ports import event_ports
from jingwei_core.events.configuration import covers_kind
from jingwei_core.events.ports import Ports, is_there
from jingwei_core.events.stored_json import stored_json
from jingwei_core.session import CoreContext
from jingwei_core.tenants.package_model import TenantPackage


class KindFacts(msgspec.Struct, frozen=True):
    """A kind of events, as far as its workflow depends on it."""

    code: str
    workflow: str
    profile: str
    has_department: bool
    fields: frozenset[str]
    """The fields of its form."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A tenant as workflows see it: roles with their grants, codes of levels and departments, leaf
    kinds, the limits that profiles set, as profile and state. ``certificates`` are the kinds of
    certificates, ``None`` where they are not known."""

    roles: Mapping[str, tuple[str, ...]]
    levels: frozenset[str]
    departments: frozenset[str]
    kinds: tuple[KindFacts, ...]
    limits: frozenset[tuple[str, str]]
    certificates: frozenset[str] | None
    ports: Ports


def surroundings_in_package(package: TenantPackage) -> Surroundings:
    """Those that a package gives its workflows."""
    forms = {form.code: _fields(form.schema) for form in package.forms}
    return Surroundings(
        roles={role.code: role.permissions for role in package.roles},
        levels=frozenset(level.code for level in package.levels),
        departments=frozenset(department.code for department in package.departments),
        kinds=tuple(
            KindFacts(
                kind.code,
                kind.workflow,
                kind.deadline,
                bool(kind.department),
                forms.get(kind.form, frozenset()),
            )
            for kind in package.kinds
            if kind.is_leaf
        ),
        limits=frozenset((row.profile, row.state) for row in package.deadlines),
        certificates=None,
        ports=event_ports(),
    )


async def surroundings_of(ctx: CoreContext) -> Surroundings:
    """Those of the context's tenant as it is now."""
    ports = ctx.platform.event_ports
    roles = await ctx.data.fetch("SELECT code, permissions FROM core.role")
    levels = await ctx.data.fetch("SELECT code FROM core.place_level")
    departments = await ctx.data.fetch("SELECT code FROM core.department")
    kinds = await ctx.data.fetch(
        "SELECT code, workflow, deadline_profile, department, form_schema FROM core.event_kind"
        " WHERE is_active AND workflow <> ''"
    )
    rules = await ctx.data.fetch("SELECT handling, kind, workflow FROM core.handling_rule")
    limits = await ctx.data.fetch("SELECT profile, state FROM core.deadline_rule")
    known = await ports.certificates.kinds(ctx) if is_there(ports.certificates) else None
    return Surroundings(
        roles={row["code"]: tuple(row["permissions"]) for row in roles},
        levels=frozenset(row["code"] for row in levels),
        departments=frozenset(row["code"] for row in departments),
        kinds=tuple(
            KindFacts(
                row["code"],
                workflow,
                row["deadline_profile"],
                row["department"] is not None,
                _fields(stored_json(row["form_schema"]) or {}),
            )
            for row in kinds
            for workflow in sorted({row["workflow"], *_by_handling(row["code"], rules)})
        ),
        limits=frozenset((row["profile"], row["state"]) for row in limits),
        certificates=None if known is None else frozenset(known),
        ports=ports,
    )


def _by_handling(kind: str, rules: Sequence[Mapping[str, Any]]) -> set[str]:
    """The workflows by which events of a kind run for their handling types (处理机制): the most
    specific rule of each."""
    found: dict[str, tuple[int, str]] = {}
    for rule in rules:
        if covers_kind(rule["kind"], kind):
            told = (len(rule["kind"]), rule["workflow"])
            found[rule["handling"]] = max(found.get(rule["handling"], told), told)
    return {workflow for _, workflow in found.values()}


def _fields(schema: Mapping[str, object]) -> frozenset[str]:
    properties = schema.get("properties", {})
    return frozenset(properties) if isinstance(properties, Mapping) else frozenset()
