"""What the core reads, writes, asks, tells, sends out and takes of the public is declared as a
plugin declares it, or done by the same code."""

import ast
from dataclasses import replace
from pathlib import Path

from jingwei_api.schema.builder import lean_schema
from jingwei_core.contribution import core_contribution
from jingwei_core.outbox.channels import find_channel
from jingwei_core.presence.desk import Desk
from jingwei_core.presence.visitors import Window
from jingwei_core.registry import build_registry
from jingwei_safety_production.plugin import plugin as safety
from jingwei_sdk.commands import declaration

HERE = Path(__file__).resolve().parents[2]
API = HERE / "frontend_api" / "jingwei_api"
CORE = HERE / "core" / "jingwei_core"
OUTBOX = CORE / "outbox"
ROOMS = ("schema", "planning", "limits", "execution")
# Rows lie at places whoever declares them (jingwei_sdk.tables.PlacedTable).
KNOWN = {("schema/references.py", "Place")}


def _names() -> set[str]:
    core = core_contribution()
    commands = [declaration(handler) for handler in core.commands]
    names = {record.name for record in core.records}
    names |= {one.name for one in commands} | {one.mutation for one in commands}
    names |= {subscription.name for subscription in core.subscriptions}
    return names | {question.name for question in core.questions}


def _said(folder: Path, names: set[str]) -> set[tuple[str, str]]:
    """Where in a folder a text is one of these names, and which."""
    return {
        (path.name, str(node.value))
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in names
    }


def test_no_room_of_the_api_knows_a_declaration_of_the_core_by_its_name() -> None:
    names = _names()
    found = {(f"{room}/{file}", name) for room in ROOMS for file, name in _said(API / room, names)}
    assert found == KNOWN


def test_the_outbox_knows_channels_where_they_are_declared_only() -> None:
    codes = {channel.code for channel in core_contribution().channels}
    assert codes == {"webhook", "log", "email"}
    assert {file for file, _ in _said(OUTBOX, codes)} == {"channels.py"}


def test_what_the_core_asks_and_does_is_declared() -> None:
    core = core_contribution()
    asked = {question.name for question in core.questions}
    assert {"me", "my_queue", "my_area", "place_at", "event_duplicates", "platform"} <= asked
    staged = [one.name for one in map(declaration, core.commands) if one.staged is not None]
    assert staged == ["evidence.commit", "meeting.close", "ledger.export"]


def test_without_its_declarations_the_core_has_no_question_no_stream_and_no_way_out() -> None:
    core = core_contribution()
    whole = build_registry([core])
    schema = lean_schema(whole)
    assert schema.query_type is not None
    assert schema.subscription_type is not None
    assert {"me", "node", "events"} <= schema.query_type.fields.keys()
    assert list(schema.subscription_type.fields) == ["changes"]
    assert find_channel(whole, "webhook") is not None

    bare = build_registry([replace(core, questions=(), subscriptions=(), channels=())])
    schema = lean_schema(bare)
    assert schema.query_type is not None
    assert "me" not in schema.query_type.fields
    assert "events" in schema.query_type.fields
    assert "Me" not in schema.type_map
    assert schema.subscription_type is None
    assert (find_channel(bare, "webhook"), find_channel(bare, "log")) == (None, None)


def _trees(*folders: Path) -> list[ast.Module]:
    files = [path for folder in folders for path in folder.rglob("*.py")]
    return [ast.parse(path.read_text(encoding="utf-8")) for path in files]


def _modules(trees: list[ast.Module]) -> set[str]:
    """What is imported, and from where."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    plain = {each.name for node in nodes if isinstance(node, ast.Import) for each in node.names}
    return plain | {
        f"{node.module}.{each.name}"
        for node in nodes
        if isinstance(node, ast.ImportFrom)
        for each in node.names
    }


def _asked_of(trees: list[ast.Module], *names: str) -> set[str]:
    """What is asked of things by these names; without one, of anything."""
    return {
        node.attr
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and (not names or getattr(node.value, "attr", getattr(node.value, "id", "")) in names)
    }


def test_reports_of_the_public_have_nothing_that_a_public_form_of_a_plugin_has_not() -> None:
    reports = _trees(CORE / "public_reports", API / "http" / "public_reports")
    forms = [
        ast.parse((CORE / "presence" / file).read_text("utf-8"))
        for file in ("forms.py", "photos.py")
    ]
    # Tokens, codes, counts, photos: what they do at the counter, a form of a plugin does as well.
    at_the_counter = {name for kind in (Desk, Window) for name in vars(kind) if name[0] != "_"}
    done = _asked_of(reports, "counter", "desk") & at_the_counter
    assert {"form", "opened", "code", "digest", "count", "count_use", "by_prefix"} <= done
    assert done <= _asked_of(forms)
    # And there is no second way to do it.
    own = {"hmac", "jwt", "secrets", "hashlib", "ipaddress", "multipart", "tempfile"}
    imported = _modules(reports)
    assert {name.partition(".")[0] for name in imported} & own == set()
    evidence = {name for name in imported if name.startswith("jingwei_core.evidence.")}
    assert evidence <= _modules(forms)
    said = {
        str(node.value)
        for tree in reports
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and "public_call" in str(node.value)
    }
    assert said == set()
    # How an event stands is told by what ctx.events.progress tells, and steps are taken by what
    # ctx.events.act takes.
    assert "jingwei_core.events.public_face.progress_of" in imported
    step = "jingwei_core.events.public_steps.take_for_public"
    taking = {
        name for name in imported if name.startswith("jingwei_core.events.") and ".take_" in name
    }
    service = _modules([ast.parse((CORE / "events" / "opening.py").read_text("utf-8"))])
    assert taking == {step}
    assert step in service
    assert "PublicProgress" not in {
        node.name for tree in reports for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
    }


def test_a_shipped_plugin_takes_photos_and_gives_codes() -> None:
    forms = {form.path: form for form in safety.public_forms}
    assert forms["tip"].photos > 0
    assert forms["tip"].gives_code
    assert forms["tip/state"].opened_by == "tip"
