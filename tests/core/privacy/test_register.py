"""Names that tell, packages that are refused, and a register that is whole and current."""

import json
import re
from pathlib import Path

import msgspec
import pytest
from piccolo.columns import Integer, Text
from typer.testing import CliRunner

from jingwei_core.access.tables import Account
from jingwei_core.cli.main import make_app
from jingwei_core.cli.privacy import packages
from jingwei_core.contribution import core_contribution
from jingwei_core.database.security_rules import table_key
from jingwei_core.plugins.host import Installed, PluginHost
from jingwei_core.privacy.account_rights import TOPICS
from jingwei_core.privacy.declarations import check_package, tables_of
from jingwei_core.privacy.register import as_page, register
from jingwei_core.registry import build_registry
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Refused
from jingwei_sdk.events import EventType
from jingwei_sdk.personal import Mask, Personal, Revealed, RevealPurpose, Sensitivity
from jingwei_sdk.personal_names import is_forbidden, looks_personal, names_a_person
from jingwei_sdk.plugin import EventKindDeclaration, Plugin
from jingwei_sdk.questions import Question
from jingwei_sdk.records import Record, TenantWide
from jingwei_sdk.settings import SettingsOf
from jingwei_sdk.tables import TenantTable, columns_of

PAGE = Path(__file__).resolve().parents[3] / "docs" / "privacy-register.md"
TOLD = Personal("联系", "contact", "PIPL art. 13", Sensitivity.GENERAL, "P1Y", mask=Mask.PHONE)


class Declared(TenantTable, tablename="declared", schema="sample"):
    """已声明: a phone as it should be."""

    PERSONAL = {"phone": TOLD}
    phone = Text(default=None, null=True)
    grade = Integer(default=0)


class Undeclared(TenantTable, tablename="undeclared", schema="sample"):
    """未声明: a phone that nobody declared."""

    contact_phone = Text(default=None, null=True)


class Unfit(TenantTable, tablename="unfit", schema="sample"):
    """不符: a mask for text on a number."""

    PERSONAL = {"grade": TOLD}
    grade = Integer(default=0)


class CultMember(TenantTable, tablename="member", schema="sample"):
    """A table that must not be."""


class Answers(msgspec.Struct, frozen=True):
    """An input that asks what nobody may ask."""

    faith: str


@command("sample.ask", permission="sample.ask", tenant_wide=True)
async def ask(ctx: Context, answers: Answers) -> Answers:
    """Ask."""
    return answers


class Household(msgspec.Struct, frozen=True):
    """What nobody may ask, one by one."""

    members: tuple[Answers, ...] = ()


class Asked(msgspec.Struct, frozen=True):
    """A setting that would have it kept."""

    with_faith: bool = False


@command("sample.ask-all", permission="sample.ask", tenant_wide=True)
async def ask_all(ctx: Context, household: Household) -> Household:
    """Ask of each."""
    return household


async def look(ctx: Context) -> Answers:
    """Tell what nobody may ask."""
    raise AssertionError


@command("sample.reveal", permission="sample.reveal", on="Declared", reveals="grade")
async def reveal_grade(ctx: Context, target: Declared, why: RevealPurpose) -> Revealed:
    """Reveal what is not masked."""
    raise AssertionError


FORM = {"type": "object", "properties": {"family": {"properties": {"x": {"title": "宗教信仰"}}}}}
CHOICE = {"allOf": [{"if": {}, "then": {"properties": {"faith": {"type": "string"}}}}]}
DECLARED = Record(Declared, read="sample.read", scope=(TenantWide(),))


def sample(**parts: object) -> Plugin:
    return Plugin(id="sample", package="sample", **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("table", "column", "help_text", "is_personal"),
    [
        ("RoadLampKeeper", "name", "", True),
        ("Resident", "given_name", "", True),
        ("Repair", "keeper_name", "", True),
        ("Repair", "name", "报修人姓名", True),
        ("Enterprise", "name", "name of the enterprise", False),
        ("Resident", "street_name", "", False),
        ("Worker", "shift", "", False),
    ],
)
def test_a_name_is_one_of_a_person_where_persons_are_spoken_of(
    table: str, column: str, help_text: str, is_personal: bool
) -> None:
    assert names_a_person(table, column, help_text) is is_personal


def test_a_copy_looks_into_each_column_that_names_an_account() -> None:
    named = [
        (".".join(table_key(table)), column._meta.db_column_name)
        for table in core_contribution().tables
        for column in columns_of(table)
        if _is_of_an_account(column)
    ]
    assert ("core.event_task", "asked_by") in named
    forgotten = [
        f"{table}.{column}" for table, column in named if not _is_looked_into(table, column)
    ]
    # Answers kept for repetitions say what a command answered, and are gone after thirty days.
    assert forgotten == ["core.command_key.account"]


def _is_looked_into(table: str, column: str) -> bool:
    return any(
        re.search(rf"\b{re.escape(table)}\b", sql)
        and re.search(rf"\b{column}\b", sql.partition("WHERE")[2])
        for sql in TOPICS.values()
    )


def _is_of_an_account(column: object) -> bool:
    meta = getattr(column, "_foreign_key_meta", None)
    return meta is not None and meta.resolved_references is Account


REFUSED = {
    "undeclared phone": (sample(tables=(Undeclared,)), "PERSONAL_UNDECLARED"),
    "undeclared in a record only": (
        sample(records=(Record(Undeclared, read="sample.read", scope=(TenantWide(),)),)),
        "PERSONAL_UNDECLARED",
    ),
    "mask that does not fit": (sample(tables=(Unfit,)), "PERSONAL_MASK_UNFIT"),
    "belief as a table": (sample(tables=(CultMember,)), "BELIEF_FIELD"),
    "belief as an input": (sample(commands=(ask,)), "BELIEF_FIELD"),
    "belief in a form": (
        sample(event_kinds=(EventKindDeclaration("k", "类", "kind", form_schema=FORM),)),
        "BELIEF_FIELD",
    ),
    "belief in a part of an input": (sample(commands=(ask_all,)), "BELIEF_FIELD"),
    "belief in a choice of a form": (
        sample(event_kinds=(EventKindDeclaration("k", "类", "kind", form_schema=CHOICE),)),
        "BELIEF_FIELD",
    ),
    "belief in a setting": (sample(settings=SettingsOf(Asked)), "BELIEF_FIELD"),
    "belief in a message": (
        sample(event_types=(EventType("sample.answered.v1", Answers),)),
        "BELIEF_FIELD",
    ),
    "belief in an answer": (
        sample(questions=(Question("who", Answers, look, permission="sample.read"),)),
        "BELIEF_FIELD",
    ),
    "reveals what is not masked": (
        sample(tables=(Declared,), records=(DECLARED,), commands=(reveal_grade,)),
        "RECORD_UNKNOWN_COLUMN",
    ),
}


@pytest.mark.parametrize(
    ("name", "is_personal"),
    [
        *((name, True) for name in ("phone", "contact_phone", "phone2", "ownerMobile", "tel")),
        *((name, True) for name in ("id_card", "id_number", "birthday", "date_of_birth", "email")),
        *((name, True) for name in ("联系电话", "身份证号", "contact_name", "IDCard")),
        *((name, False) for name in ("microphone", "automobile", "hotel", "number", "name")),
        *((name, False) for name in ("valid_from", "birth_rate", "card", "telemetry", "sextant")),
    ],
)
def test_names_that_look_personal(name: str, is_personal: bool) -> None:
    assert looks_personal(name) is is_personal


@pytest.mark.parametrize(
    ("name", "is_refused"),
    [
        *((name, True) for name in ("religion", "religious_belief", "faith", "isBeliever")),
        *(
            (name, True)
            for name in ("宗教", "信仰情况", "邪教人员", "民族", "ethnicity", "zongjiao")
        ),
        *((name, False) for name in ("culture", "sector", "section", "difficulty", "民族乡")),
    ],
)
def test_names_of_belief_and_descent(name: str, is_refused: bool) -> None:
    assert is_forbidden(name) is is_refused


@pytest.mark.parametrize("fault", list(REFUSED))
def test_a_package_that_keeps_too_much_is_off_and_the_core_runs(fault: str) -> None:
    plugin, code = REFUSED[fault]
    with pytest.raises(Refused) as refusal:
        build_registry([core_contribution(), plugin])
    assert refusal.value.code == code

    host = PluginHost(core_contribution(), [Installed("sample", "available", plugin=plugin)])

    assert [(each.state, code in each.reason) for each in host.installed()] == [
        ("faulty_declaration", True)
    ]
    registry = host.registry(frozenset({"sample"}))
    assert registry.enabled == {"core"}
    assert "event.report" in registry.commands
    assert not [name for name in registry.records if name in ("Declared", "Undeclared")]


def test_a_package_that_declares_its_phone_is_served() -> None:
    plugin = sample(tables=(Declared,), records=(DECLARED,))
    check_package(plugin)
    assert "Declared" in build_registry([core_contribution(), plugin]).records
    (entry,) = register([plugin])
    assert (entry.package, entry.table, entry.column) == ("sample", "sample.declared", "phone")
    assert (entry.mask, entry.retention, entry.sensitivity) == ("phone", "P1Y", "general")
    assert "`sample.declared.phone` | 联系 · contact" in as_page([plugin])


def test_the_register_holds_every_personal_column() -> None:
    found = packages()
    assert {"core", "safety-production"} <= {package.id for package in found}
    entries = register(found)
    listed = {(entry.table, entry.column) for entry in entries}
    wanted = {
        (f"{table._meta.schema}.{table._meta.tablename}", column._meta.name)
        for package in found
        for table in tables_of(package)
        for column in columns_of(table)
        if looks_personal(column._meta.name)
    }
    wanted |= {("core.account", "name"), ("core.account", "login")}
    wanted |= {("core.evidence", name) for name in ("lon_e7", "lat_e7", "taken_at")}
    assert wanted <= listed
    assert ("core.account", "phone") in listed
    assert len(listed) == len(entries)
    for entry in entries:
        assert entry.purpose_zh
        assert entry.purpose_en
        assert entry.basis
        assert entry.mask or entry.unmasked_because


def test_the_page_is_current() -> None:
    shipped = [each for each in packages() if each.id in ("core", "safety-production")]
    # Written by: jingwei privacy register --out docs/privacy-register.md
    assert PAGE.read_text(encoding="utf-8") == as_page(shipped)


@pytest.mark.usefixtures("log_as_it_was")
def test_the_command_line_tells_the_register(tmp_path: Path) -> None:
    runner = CliRunner()
    told = runner.invoke(make_app(), ["privacy", "register", "--json"])
    assert told.exit_code == 0
    rows = {(row["table"], row["column"]): row for row in json.loads(told.stdout)}
    phone = rows[("core.account", "phone")]
    assert (phone["purpose_en"], phone["mask"], phone["retention"]) == (
        *("contact on duty", "phone", "P1Y"),
    )
    page = tmp_path / "register.md"
    assert runner.invoke(make_app(), ["privacy", "register", "--out", str(page)]).exit_code == 0
    assert page.read_text(encoding="utf-8") == as_page(packages())
