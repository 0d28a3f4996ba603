"""Reading ``tenant.toml``, ``calendar.toml``, ``plugins.toml`` and ``roles.toml``."""

import re
from collections.abc import Iterable
from datetime import date, time
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jingwei_core.access.call_limits import RANGES, UNSTATED, CallLimits
from jingwei_core.tenants.package_files import PackageFolder, Section
from jingwei_core.tenants.package_model import (
    CalendarDay,
    DivisionClass,
    PlaceLevel,
    PluginRow,
    RoleRow,
    Source,
    Switch,
    TenantInfo,
    WorkCalendar,
    WorkingHours,
)

MANIFEST = "tenant.toml"
LOCALES = ("zh-CN", "en")

"""``area.thing.verb``, at least two parts."""

_GRANT = re.compile(r"\*|[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*\.(?:\*|[a-z][a-z0-9-]*)")
_SLUG = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")
_VERSION = re.compile(r"\d+\.\d+\.\d+")
_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def read_tenant(manifest: Section) -> TenantInfo:
    """The tenant's own values. Problems are noted in the section's findings."""
    info = manifest.section("tenant")
    slug = info.text("slug")
    if slug and not _SLUG.fullmatch(slug):
        info.refuse("PACKAGE_SLUG", "slug", value=slug)
    version = info.text("version")
    if version and not _VERSION.fullmatch(version):
        info.refuse("PACKAGE_VERSION", "version", value=version)
    locale = info.text("locale")
    if locale and locale not in LOCALES:
        info.refuse("PACKAGE_CHOICE", "locale", value=locale, choices=", ".join(LOCALES))
    return TenantInfo(
        slug=slug,
        id=_uuid(info, "id"),
        name_zh=info.text("name_zh"),
        name_en=info.text("name_en"),
        timezone=_timezone(info, "timezone"),
        locale=locale,
        division_code=info.text("division_code"),
        version=version,
        demo=info.is_on("demo"),
        limits=_limits(manifest),
    )


def _limits(owner: Section) -> CallLimits:
    """The table ``limits``, which may be left out."""
    if "limits" not in owner.values:
        return UNSTATED
    section = owner.section("limits")
    for name in section.values:
        if name not in RANGES:
            section.refuse("PACKAGE_LIMIT_UNKNOWN", name, value=name, known=", ".join(RANGES))
    return CallLimits(
        **{
            name: section.integer(name, *bounds)
            for name, bounds in RANGES.items()
            if name in section.values
        }
    )


def _uuid(section: Section, name: str) -> UUID:
    value = section.text(name)
    try:
        return UUID(value)
    except ValueError:
        if value:
            section.refuse("PACKAGE_UUID", name, value=value)
        return UUID(int=0)


def _timezone(section: Section, name: str) -> str:
    value = section.text(name)
    try:
        ZoneInfo(value or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        section.refuse("PACKAGE_TIMEZONE", name, value=value)
    return value


def read_levels(manifest: Section, sources: Iterable[str]) -> tuple[PlaceLevel, ...]:
    """The place levels from the root down; codes must grow from level to level."""
    known = set(sources)
    levels: list[PlaceLevel] = []
    for position, section in enumerate(manifest.sections("levels")):
        level = _level(section, position)
        if level.source and level.source not in known:
            section.refuse("PACKAGE_UNKNOWN_SOURCE", "source", value=level.source)
        if any(level.code == other.code for other in levels):
            section.refuse("PACKAGE_DUPLICATE", "code", value=level.code)
        if levels and level.code_digits <= levels[-1].code_digits:
            section.refuse("PACKAGE_LEVEL_DIGITS", "code_digits", value=level.code_digits)
        levels.append(level)
    if not levels:
        manifest.refuse("PACKAGE_VALUE_MISSING", "levels")
    elif not any(level.is_capture_unit for level in levels):
        manifest.refuse("PACKAGE_NO_CAPTURE_LEVEL", "levels")
    return tuple(levels)


def _level(section: Section, position: int) -> PlaceLevel:
    low = section.integer_or_none("households_min", 0, 1_000_000)
    high = section.integer_or_none("households_max", 0, 1_000_000)
    if low is not None and high is not None and low > high:
        section.refuse("PACKAGE_BOUNDS", "households_max", low=low, high=high)
    return PlaceLevel(
        code=section.code("code"),
        name_zh=section.text("name_zh"),
        name_en=section.text("name_en"),
        position=position,
        division=section.choice("division", DivisionClass),
        is_capture_unit=section.is_on("capture_unit"),
        code_digits=section.integer("code_digits", 2, 40),
        households_min=low,
        households_max=high,
        source=section.text("source"),
    )


def read_sources(manifest: Section) -> tuple[Source, ...]:
    """The documents the package's numbers and rules come from."""
    sources: list[Source] = []
    for section in manifest.sections("sources"):
        row = Source(section.code("code"), section.text("title_zh"), section.text("title_en"))
        if any(row.code == other.code for other in sources):
            section.refuse("PACKAGE_DUPLICATE", "code", value=row.code)
        sources.append(row)
    return tuple(sources)


def read_switches(manifest: Section) -> tuple[Switch, ...]:
    """The switches; one that is on must name the rule it relies on."""
    switches: list[Switch] = []
    for section in manifest.sections("switches"):
        row = Switch(
            code=section.code("code"),
            name_zh=section.text("name_zh"),
            name_en=section.text("name_en"),
            is_enabled=section.is_on("enabled"),
            rule=section.optional("rule"),
            restricted_by=section.text("restricted_by"),
        )
        if row.is_enabled and not row.rule:
            section.refuse("PACKAGE_SWITCH_RULE", "rule", value=row.code)
        if any(row.code == other.code for other in switches):
            section.refuse("PACKAGE_DUPLICATE", "code", value=row.code)
        switches.append(row)
    return tuple(switches)


def read_roles(folder: PackageFolder) -> tuple[RoleRow, ...]:
    """The roles of the tenant and what they may do."""
    document = folder.toml("roles.toml")
    roles: list[RoleRow] = []
    for section in document.sections("roles") if document else []:
        row = RoleRow(
            code=section.code("code"),
            name_zh=section.text("name_zh"),
            name_en=section.text("name_en"),
            permissions=section.texts("permissions"),
            limits=_limits(section),
        )
        for permission in row.permissions:
            if not _GRANT.fullmatch(permission):
                section.refuse("PACKAGE_PERMISSION", "permissions", value=permission)
        if not row.permissions:
            section.refuse("PACKAGE_VALUE_MISSING", "permissions")
        if any(row.code == other.code for other in roles):
            section.refuse("PACKAGE_DUPLICATE", "code", value=row.code)
        roles.append(row)
    return tuple(roles)


def read_plugins(folder: PackageFolder) -> tuple[PluginRow, ...]:
    """The plugins the tenant wants, with their settings."""
    document = folder.toml("plugins.toml")
    plugins: list[PluginRow] = []
    for section in document.sections("plugins") if document else []:
        settings = section.section("settings").values if "settings" in section.values else {}
        row = PluginRow(section.code("id"), section.is_on("enabled"), settings)
        if any(row.id == other.id for other in plugins):
            section.refuse("PACKAGE_DUPLICATE", "id", value=row.id)
        plugins.append(row)
    return tuple(plugins)


def read_calendar(folder: PackageFolder) -> WorkCalendar:
    """The working hours, weekend, holidays and make-up working days."""
    document = folder.toml("calendar.toml")
    if document is None:
        return WorkCalendar((), (), (), (), "")
    weekend = _integers(document, "weekend", 1, 7)
    days: dict[date, CalendarDay] = {}
    for name, is_working in (("holidays", False), ("make_up_days", True)):
        for section in document.sections(name):
            day = CalendarDay(
                section.day("day"), section.text("name_zh"), section.text("name_en"), is_working
            )
            if day.day in days and section.is_sound:
                section.refuse("PACKAGE_DUPLICATE", "day", value=day.day)
            if section.is_sound and is_working and day.day.isoweekday() not in weekend:
                section.refuse("PACKAGE_MAKE_UP_DAY", "day", value=day.day)
            days[day.day] = day
    return WorkCalendar(
        working_hours=_working_hours(document),
        weekend=weekend,
        days=tuple(days[day] for day in sorted(days)),
        known_years=_integers(document, "known_years", 1949, 9998),
        source=document.text("source"),
    )


def _working_hours(document: Section) -> tuple[WorkingHours, ...]:
    hours: list[WorkingHours] = []
    for section in document.sections("working_hours"):
        begin, end = _clock(section, "begin"), _clock(section, "end")
        previous = hours[-1].end if hours else time.min
        if section.is_sound and not previous <= begin < end:
            section.refuse("PACKAGE_HOURS", "end", value=end)
        hours.append(WorkingHours(begin, end))
    if not hours:
        document.refuse("PACKAGE_VALUE_MISSING", "working_hours")
    return tuple(hours)


def _clock(section: Section, name: str) -> time:
    value = section.text(name)
    if _TIME.fullmatch(value):
        return time.fromisoformat(value)
    if value:
        section.refuse("PACKAGE_TIME", name, value=value)
    return time.min


def _integers(document: Section, name: str, low: int, high: int) -> tuple[int, ...]:
    value = document.values.get(name, [])
    if not isinstance(value, list) or not all(
        isinstance(item, int) and not isinstance(item, bool) and low <= item <= high
        for item in value
    ):
        document.refuse("PACKAGE_NUMBER", name, value=value, low=low, high=high)
        return ()
    return tuple(sorted(set(value)))
