"""Faulty plugins are states with a reason, and nothing else breaks."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from jingwei_core.contribution import core_contribution
from jingwei_core.plugins.description import description
from jingwei_core.plugins.host import Installed, PluginHost, discover
from jingwei_core.plugins.overview import installed_lines, setting, tenant_lines
from jingwei_sdk.errors import NotFound, Refused
from jingwei_sdk.messages import Catalogue
from tests.core.plugins.packages import MANIFEST, Package

GOOD = MANIFEST.format(id="permits")
EXTENDS = """
plugin = Plugin(
    id="permits",
    package="x",
    extensions=(
        Extension(
            "Organisation",
            computed={{"permits": Computed(int, ("id",), of_each{permission})}},
        ),
    ),
)
"""
HELD = """
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.tables import TenantFK, TenantTable


class Foreign(TenantTable, tablename="foreign", schema="core"):
    pass


class Permit(TenantTable, tablename="permit", schema="permits"):
    held_by = TenantFK(Foreign)


plugin = Plugin(id="permits", package="x", tables=(Permit,))
"""
PERSONAL = """

class Contact(TenantTable, tablename="contact", schema="permits"):
    {body}


plugin = Plugin(id="permits", package="x", tables=(Contact,), records=({records}))
"""


def _table(body: str, records: str = "") -> Package:
    return Package(extra=PERSONAL.format(body=body, records=records))


FAULTY: dict[str, tuple[Package, str, str]] = {
    "raises at import": (
        Package(code="raise RuntimeError('no licence')"),
        "failed",
        "RuntimeError: no licence",
    ),
    "ends the process": (Package(code="raise SystemExit(3)"), "failed", "SystemExit: 3"),
    "syntax": (Package(code="plugin ="), "failed", "SyntaxError"),
    "no manifest": (Package(manifest=""), "failed", "PLUGIN_MANIFEST"),
    "manifest is no TOML": (Package(manifest="id = "), "failed", "PLUGIN_MANIFEST"),
    "unknown key": (Package(manifest=GOOD + "\nroot = true\n"), "failed", "unknown field `root`"),
    "no licence": (
        Package(manifest=GOOD.replace("licence", "#")),
        "failed",
        "missing required field `licence`",
    ),
    "another SDK": (
        Package(manifest=GOOD.replace(">=0.1,<1", ">=2"), code="raise RuntimeError"),
        "incompatible",
        "needs SDK >=2, served are 0.1.0, 1.0.0",
    ),
    "range is none": (
        Package(manifest=GOOD.replace(">=0.1,<1", "newest")),
        "failed",
        "PLUGIN_MANIFEST",
    ),
    "another id": (
        Package(manifest=MANIFEST.format(id="other")),
        "failed",
        "entry point 'permits' names a plugin 'other'",
    ),
    "not a plugin": (Package(code="plugin = 1"), "failed", "its entry point is not its Plugin"),
    "no attribute": (Package(code=""), "failed", "AttributeError"),
    "no package": (Package(entry="nowhere_at_all.plugin:plugin"), "failed", "no package"),
    "undeclared read": (
        Package(manifest=GOOD.replace("permit.read", "permit.see")),
        "failed",
        "permissions not in its manifest: ['permit.read']",
    ),
    "undeclared command": (
        Package(
            extra="""
@command("permit.give", permission="permit.give", tenant_wide=True, returns=PERMIT)
async def give(ctx) -> Permit: ...


plugin = Plugin(id="permits", package="x", tables=(Permit,), records=(PERMIT,), commands=(give,))
"""
        ),
        "failed",
        "permissions not in its manifest: ['permit.give']",
    ),
    "command without permission": (
        Package(
            extra="""
@command("permit.give", permission="", tenant_wide=True, returns=PERMIT)
async def give(ctx) -> Permit: ...
"""
        ),
        "failed",
        "COMMAND_WITHOUT_PERMISSION",
    ),
    "field without permission": (
        Package(extra=EXTENDS.format(permission="")),
        "failed",
        "the field Organisation.permits names no permission",
    ),
    "field with an undeclared permission": (
        Package(extra=EXTENDS.format(permission=', permission="permit.count"')),
        "failed",
        "permissions not in its manifest: ['permit.count']",
    ),
    "foreign key into the core": (Package(code=HELD), "failed", "use CoreRef"),
    "table in the schema of others": (
        Package(extra='Permit._meta.schema = "core"'),
        "failed",
        "the table permit is not in the schema permits",
    ),
    "record of a table of others": (
        Package(extra='plugin = Plugin(id="permits", package="x", records=(PERMIT,))'),
        "failed",
        "reads a table that is not the plugin's",
    ),
    "silent requirement": (
        Package(extra='plugin = Plugin(id="permits", package="x", requires=("other",))'),
        "failed",
        "requires ['other'], its manifest says []",
    ),
    "undeclared phone": (
        _table("owner_phone = Text()"),
        "failed",
        "PERSONAL_UNDECLARED plugin='permits' name='Contact.owner_phone'",
    ),
    "religion column": (
        _table("religion = Text()"),
        "failed",
        "BELIEF_FIELD plugin='permits' name='Contact.religion'",
    ),
    "religion under another name": (
        _table("remark = Text(help_text='居民宗教信仰')"),
        "failed",
        "BELIEF_FIELD plugin='permits' name='Contact.remark'",
    ),
    "declaration of no column": (
        _table("PERSONAL = {'phone': None}"),
        "failed",
        "PERSONAL_UNKNOWN_COLUMN plugin='permits' name='Contact.phone'",
    ),
    "settings are no schema": (
        Package(manifest=GOOD + '\n[settings]\ntype = "thing"\n'),
        "failed",
        "no JSON Schema",
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / tmp_path.name.replace("-", "_")
    found.mkdir()
    monkeypatch.syspath_prepend(str(found))
    return found


@pytest.mark.parametrize("fault", list(FAULTY))
def test_a_faulty_plugin_is_a_state_with_a_reason(folder: Path, fault: str) -> None:
    package, state, reason = FAULTY[fault]
    points = [package.write(folder), Package(id="sound").write(folder)]

    faulty, sound = discover(points)

    assert (faulty.id, faulty.state) == ("permits", state)
    assert reason in faulty.reason
    assert faulty.plugin is None
    assert (sound.state, sound.reason) == ("available", "")
    host = PluginHost(core_contribution(), [faulty, sound])
    registry = host.registry(frozenset({"permits", "sound"}))
    assert registry.enabled == {"core", "sound"}
    off = host.off(frozenset({"permits", "sound"}))["permits"]
    assert (off.plugin, off.state) == ("permits", state)
    assert reason in off.reason
    with pytest.raises(Refused) as refusal:
        host.require_available("permits")
    assert refusal.value.code == "PLUGIN_OFF"


def test_an_id_that_two_packages_claim_is_nobodys(folder: Path) -> None:
    first = Package().write(folder)
    second = EntryPoint("permits", "elsewhere.plugin:plugin", first.group)
    (found,) = discover([first, second, first])
    assert found.state == "failed"
    claimed = found.reason.removeprefix("the id is claimed by ").split(", ")
    assert sorted(claimed) == sorted([first.value, second.value])


def _two(folder: Path, first: str = "aaa", second: str = "bbb") -> list[Installed]:
    return discover([Package(id=first).write(folder), Package(id=second).write(folder)])


def test_a_clash_costs_the_later_plugin_of_that_set_only(folder: Path) -> None:
    host = PluginHost(core_contribution(), _two(folder))
    both = frozenset({"aaa", "bbb"})

    assert host.registry(both).enabled == {"core", "aaa"}
    assert set(host.off(both)) == {"bbb"}
    assert host.off(both)["bbb"].state == "clash"
    assert "DECLARATION_CLASH" in host.off(both)["bbb"].reason
    # A tenant without the first has the second.
    assert host.registry(frozenset({"bbb"})).enabled == {"core", "bbb"}
    assert host.off(frozenset({"bbb"})) == {}
    shown = {line.id: (line.state, line.reason) for line in tenant_lines(host, both, "zh")}
    assert shown["aaa"] == ("enabled", "")
    assert shown["bbb"] == ("clash", host.off(both)["bbb"].reason)


def test_a_clash_with_the_core_is_seen_at_once(folder: Path) -> None:
    clash = """
EVENT = Record(Permit, read="permit.read", scope=(TenantWide(),), name="Event")
plugin = Plugin(id="permits", package="x", tables=(Permit,), records=(EVENT,))
"""
    host = PluginHost(core_contribution(), discover([Package(extra=clash).write(folder)]))
    (line,) = installed_lines(host, "en")
    assert (line.id, line.state, line.name) == ("permits", "clash", "Permits")
    assert "DECLARATION_CLASH" in line.reason


@pytest.mark.parametrize(
    "hook",
    [
        "async def on_event_transitioned(self, ctx, change, colour): ...",
        "async def on_event_dreamt_of(self, ctx): ...",
    ],
)
def test_a_hook_that_the_core_does_not_have_fails_its_plugin(folder: Path, hook: str) -> None:
    code = f"""
from jingwei_sdk.hooks import hookimpl


class Hooks:
    @hookimpl
    {hook}


plugin = Plugin(id="permits", package="x", hooks=Hooks())
"""
    points = [Package(extra=code).write(folder), Package(id="sound").write(folder)]
    host = PluginHost(core_contribution(), discover(points))
    assert [(found.id, found.state) for found in host.installed()] == [
        ("permits", "faulty_declaration"),
        ("sound", "available"),
    ]
    both = frozenset({"permits", "sound"})
    assert host.registry(both).heard("on_event_transitioned", "city.road") == ()


@pytest.mark.parametrize(
    "messages",
    ['[EVENT_NOT_ANY]\nzh = "只有中文"\n', "EVENT_NOT_ANY = 1", "[", '[CLASH]\nzh="x"\nen="x"\n'],
)
def test_texts_that_do_not_fit_switch_their_plugin_off(folder: Path, messages: str) -> None:
    points = [
        Package(id="aaa", messages='[CLASH]\nzh = "撞"\nen = "Clash"\n').write(folder),
        Package(id="bbb", messages=messages).write(folder),
    ]
    host = PluginHost(core_contribution(), discover(points))
    assert host.registry(frozenset({"bbb"})).enabled == {"core", "bbb"}
    catalogue = Catalogue()

    host.load_texts(catalogue)

    assert [found.state for found in host.installed()] == ["available", "failed"]
    assert catalogue.codes() == {"CLASH"}
    assert catalogue.message("CLASH", "en", {}).text == "Clash"
    assert host.registry(frozenset({"bbb"})).enabled == {"core"}


def test_plugins_come_after_what_they_require_and_circles_are_left_out(folder: Path) -> None:
    needs = 'plugin = Plugin(id="{0}", package="x", requires=("{1}",))\n'
    packages = [
        Package(
            id=name,
            manifest=f'requires = ["{other}"]\n'
            + MANIFEST.format(id=name).replace("permit.read", f"{name}.read"),
            extra=needs.format(name, other),
        )
        for name, other in (("aaa", "zzz"), ("one", "two"), ("two", "one"), ("sad", "gone"))
    ]
    points = [package.write(folder) for package in [*packages, Package(id="zzz")]]
    host = PluginHost(core_contribution(), discover(points))
    wanted = frozenset({"aaa", "one", "two", "zzz", "sad"})
    assert [plugin.id for plugin in host.registry(wanted).plugins] == ["core", "zzz", "aaa"]
    assert {off.plugin: (off.state, off.reason) for off in host.off(wanted).values()} == {
        "one": ("needs", "requires itself: one → two → one"),
        "two": ("needs", "requires itself: two → one → two"),
        "sad": ("needs", "needs gone"),
    }


def test_what_an_operator_reads(folder: Path) -> None:
    host = PluginHost(core_contribution(), discover([Package().write(folder)]))
    told = description(host.get("permits"))
    assert (told["state"], told["records"], told["permissions"]) == (
        "available",
        ["Permit"],
        {"permit.read": "查看 · Read"},
    )
    gone = tenant_lines(host, frozenset({"removed"}), "zh")
    assert [(line.id, line.state, line.reason) for line in gone] == [
        ("permits", "disabled", ""),
        ("removed", "missing", "not installed"),
    ]
    with pytest.raises(NotFound):
        host.get("removed")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=5", {"a": 5}),
        ("a=five", {"a": "five"}),
        ("a=true", {"a": True}),
        ("a=x=y", {"a": "x=y"}),
    ],
)
def test_a_setting_is_json_or_a_text(text: str, expected: dict[str, object]) -> None:
    assert setting(text) == expected


@pytest.mark.parametrize("text", ["a", "=5", ""])
def test_a_setting_without_a_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        setting(text)
