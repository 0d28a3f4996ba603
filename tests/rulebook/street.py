"""The street (街道): the package of Zhengzhou in a database, its people with a post each. The
operator makes the administrator on the command line, who makes the others over the API."""

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from jingwei_core.platform import Platform
from jingwei_core.settings import Settings
from tests.fixtures.command_line import CommandLine
from tests.rulebook.clockwork import Clockwork
from tests.rulebook.driver import Terminal
from tests.rulebook.people import ADMIN, CITY, PEOPLE, STREET, Hired
from tests.tenants.small_package import write_plain_package

ZHENGZHOU = Path(__file__).resolve().parents[2] / "tenants" / "zhengzhou"
STRANGERS = "small"
"""Slug of the other tenant."""
STRANGER = "stranger"
SINCE = "2026-01-01T00:00:00+08:00"
_TABLES = """
SELECT format('SELECT %L AS name, count(*) AS rows, sum(hashtextextended(t::text, 0)) AS content'
              ' FROM %I.%I t', n.nspname || '.' || c.relname, n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
"""

Content = dict[str, tuple[int, object]]
"""How many rows each table has, and a figure of what is in them."""


class Posted(NamedTuple):
    """A letter as its reader gets it; ``at`` is in the city's time."""

    login: str
    at: datetime
    subject: str
    text: str


@dataclass
class Street:
    """The tenant of the week: its people at their terminals, its places and departments."""

    platform: Platform
    time: Clockwork
    people: dict[str, Terminal] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    departments: dict[str, str] = field(default_factory=dict)
    rows: dict[str, str] = field(default_factory=dict)
    """Global ids of what the week has made, by a name of the story."""
    wrong: list[str] = field(default_factory=list)
    """Refusals with another code than the documented one: all are told together."""
    orders: dict[str, Any] = field(default_factory=dict)
    """What the meeting ordered."""
    letters: list[Posted] = field(default_factory=list)
    """What left by mail."""
    _tables: str = ""
    _known: tuple[object, Content] = ((), {})

    def __getitem__(self, login: str) -> Terminal:
        return self.people[login]

    def name(self, login: str) -> str:
        """How a person is called."""
        return PEOPLE[login].name

    async def digest(self) -> Content:
        """How many rows each table has, and what is in them."""
        async with self.platform.database.owner() as unit:
            if not self._tables:
                rows = await unit.fetch(_TABLES)
                self._tables = " UNION ALL ".join(row["format"] for row in rows)
            found = await unit.fetch(self._tables)
        return {row["name"]: (row["rows"], row["content"]) for row in found}

    async def refused(self, login: str, code: str, mutation: str, /, **given: Any) -> None:
        """The person may not: refused with the code, and not one row has changed."""
        terminal = self.people[login]
        await terminal.ready()
        at = (Terminal.written, self.time.turns)
        before = self._known[1] if self._known[0] == at else await self.digest()
        told = await terminal.try_to(mutation, **given)
        codes = [error["extensions"]["code"] for error in told.get("errors", ())]
        assert codes, (login, mutation, told)
        if codes != [code]:
            self.wrong.append(f"{login} {mutation}: {codes[0]} and not {code}")
        after = await self.digest()
        assert after == before, (login, mutation, "left something behind")
        self._known = (at, after)

    async def none_may(self, refusals: str, mutation: str, /, **given: Any) -> None:
        """The same of several: ``login CODE`` on each line."""
        tried = [line.split() for line in refusals.splitlines() if line.strip()]
        for login, _ in tried:
            await self.people[login].ready()
        for login, code in tried:
            await self.refused(login, code, mutation, **given)


async def apply_packages(settings: Settings, jingwei: CommandLine, folder: Path) -> None:
    """Both tenants with an administrator each, on the command line; the other one is written into
    ``folder``."""
    write_plain_package(folder)
    roles = (folder / "roles.toml").read_text(encoding="utf-8")
    given = ", ".join(f'"{area}.*"' for area in ("event", "place", "meeting", "leave", "ledger"))
    roles = roles.replace('"event.*", "place.*"', given)
    (folder / "roles.toml").write_text(roles, encoding="utf-8")
    firsts = ((ZHENGZHOU, ADMIN, "tenant_admin", CITY), (folder, STRANGER, "worker", "4205"))
    for package, login, role, place in firsts:
        applied = await jingwei(settings, "tenant", "apply", str(package))
        assert applied.code == 0, applied.out + applied.err
        slug = STRANGERS if package is folder else ZHENGZHOU.name
        made = await jingwei(
            *(settings, "access", "create", slug, login, "--name", login, "--role", role),
            *("--at", place, "--since", "2026-01-01"),
            typed=f"{_password(login)}\n{_password(login)}\n",
        )
        assert made.code == 0, made.out + made.err


async def build_street(platform: Platform, url: str) -> Street:
    """The street with everybody hired, over the API."""
    tenant = await platform.tenant(ZHENGZHOU.name)
    street = Street(platform, Clockwork(platform, tenant))
    for slug, login in ((ZHENGZHOU.name, ADMIN), (STRANGERS, STRANGER)):
        street.people[login] = _terminal(street, url, slug, login)
    await _hire_all(street, url)
    return street


async def _hire_all(street: Street, url: str) -> None:
    admin = street[ADMIN]
    roles = {row["code"]: row["id"] for row in await admin.rows("roles", "id code")}
    street.departments = {
        row["code"]: row["id"] for row in await admin.rows("departments", "id code")
    }
    codes = sorted({one.place for one in PEOPLE.values()})
    for code in codes:
        (place,) = await admin.rows(f'places(filter: {{ code: {{ eq: "{code}" }} }})', "id")
        street.places[code] = place["id"]
    for login, hired in PEOPLE.items():
        terminal = _terminal(street, url, ZHENGZHOU.name, login)
        street.people[login] = terminal
        made = await admin.do(
            *("accountCreate", "account { id }"),
            login=login,
            name=hired.name,
            password=_password(login),
        )
        terminal.id = made["id"]
        await _place(street, terminal, hired, roles[hired.role])


async def _place(street: Street, terminal: Terminal, hired: Hired, role: str) -> None:
    """Give the account its post, its certificate, its days at the subdistrict and its address."""
    admin, department = street[ADMIN], street.departments.get(hired.department)
    await admin.do(
        *("postGrant", "post { id }"),
        accountId=terminal.id,
        roleId=role,
        placeId=street.places[hired.place],
        departmentId=department,
        isPrimary=True,
        validFrom=SINCE,
    )
    if hired.has_card:
        await admin.do(
            *("certificateAdd", "certificate { id }"),
            accountId=terminal.id,
            kind="enforcement",
            number=f"豫A-{terminal.login}",
            issuer="郑州市司法局",
            validFrom="2026-01-01",
            validTo="2031-01-01",
        )
    if hired.weekdays:
        await admin.do(
            *("secondmentDeclare", "secondment { id }"),
            accountId=terminal.id,
            departmentId=department,
            placeId=street.places[STREET],
            weekdays=list(hired.weekdays),
            validFrom="2026-01-01",
        )
    if hired.has_mail:
        address = f"{terminal.login}@example.org"
        await admin.do("accountSetEmail", "account { id }", id=terminal.id, email=address)


def _terminal(street: Street, url: str, slug: str, login: str) -> Terminal:
    return Terminal(url, slug, login, _password(login), street.time.clock)


def _password(login: str) -> str:
    return f"{uuid.uuid5(uuid.NAMESPACE_DNS, login)} long enough"
