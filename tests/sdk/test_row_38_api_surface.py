"""Row 38: `sdk/api.txt` and `schema.graphql` committed; a breaking diff needs a major."""

from pathlib import Path

import pytest
from graphql import build_schema, find_breaking_changes
from packaging.version import Version

from jingwei_sdk.versions import SDK_VERSION
from tests.policy.project import ROOT
from tests.policy.surface.changes import breaking
from tests.policy.surface.listing import FILE, surface

RELEASED = ROOT / "sdk" / "released"
CHANGELOG = (ROOT / "sdk" / "CHANGELOG.md").read_text(encoding="utf-8")


def newest(suffix: str) -> tuple[Version, str]:
    """The newest release and its file."""
    found = max(RELEASED.glob(f"*{suffix}"), key=lambda path: Version(path.stem))
    return Version(found.stem), found.read_text(encoding="utf-8")


def untold(changes: list[str], since: Version) -> list[str]:
    """The breaking changes that a plugin's author was not told of, or not entitled to meet."""
    if Version(SDK_VERSION).major == since.major:
        return changes
    section = CHANGELOG.partition(f"\n## {Version(SDK_VERSION).major}.0.0")[2].partition("\n## ")[0]
    told = section.partition("\nBreaking\n")[2]
    return [change for change in changes if change.split(":")[0].split(" ")[0] not in told]


def test_the_committed_surface_is_the_one_of_the_code() -> None:
    committed = FILE.read_text(encoding="utf-8").splitlines()
    assert committed == surface(), "python -m tests.policy.surface.listing writes it anew"


def test_no_plugin_breaks_without_a_new_major() -> None:
    since, text = newest(".txt")
    assert untold(breaking(text.splitlines(), surface()), since) == []


def test_no_client_breaks_without_a_new_major() -> None:
    since, text = newest(".graphql")
    now = (ROOT / "frontend_api" / "schema.graphql").read_text(encoding="utf-8")
    found = find_breaking_changes(build_schema(text), build_schema(now))
    assert untold(sorted(change.description for change in found), since) == []


def test_what_is_released_is_not_older_than_the_code_says() -> None:
    since, _ = newest(".txt")
    assert Version(SDK_VERSION) >= since


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("def f(a: int): ...", "", "m.f is gone"),
        ("def f(a: int): ...", "def f(a: int | str): ...", ""),
        ("def f(a: int | str): ...", "def f(a: int): ...", "an input may only relax"),
        ("def f(a: int): ...", "def f(a: int, b: int = 1): ...", ""),
        ("def f(a: int): ...", "def f(a: int, b: int): ...", "b is new and has no default"),
        ("def f(a: int = 1): ...", "def f(a: int): ...", "a has no default any more"),
        ("def f(a: int): ...", "def f(*, a: int): ...", "a is keyword"),
        ("def f(a: int, b: int): ...", "def f(b: int, a: int): ...", "the order"),
        ("def f(a: int): ...", "async def f(a: int): ...", "between async and sync"),
        ("def f() -> int | None: ...", "def f() -> int: ...", ""),
        ("def f() -> int: ...", "def f() -> int | None: ...", "an output may only tighten"),
        ("class C:\n a: int", "class C:\n a: int\n b: int = 1", ""),
        ("class C:\n a: int", "class C:\n a: int\n b: int", "m.C.b is new and has no default"),
        ("class C:\n a: int", "class C:\n a: str", "an input may only relax"),
        ("class C(Base): ...", "class C: ...", "is no Base any more"),
        ("class C:\n A = 'a'", "class C:\n A = 'b'", "was 'a' and is 'b'"),
        ("class C:\n A = 'a'", "class C:\n A = 'a'\n B = 'b'", ""),
        ("def _f(a): ...", "", ""),
        ("def f(a: int): ...", "__all__ = ['f']\nfrom jingwei_sdk.n import f", ""),
    ],
)
def test_inputs_relax_and_outputs_tighten(tmp_path: Path, old: str, new: str, problem: str) -> None:
    found = breaking(_lines(tmp_path / "old", old), _lines(tmp_path / "new", new))
    assert len(found) == bool(problem), found
    assert problem in "".join(found)


@pytest.mark.parametrize(
    ("old", "new", "is_breaking"),
    [("a: int | None", "a: int", False), ("a: int", "a: int | None", True)],
)
def test_what_a_plugin_is_given_only_tightens(old: str, new: str, *, is_breaking: bool) -> None:
    """The same change of a field is the other way round for what the platform makes."""
    for owner, breaks in (("payloads.Told", is_breaking), ("demo.Made", not is_breaking)):
        lines = [
            [f"jingwei_sdk.{owner} class()", f"jingwei_sdk.{owner}.{text}"] for text in (old, new)
        ]
        assert bool(breaking(*lines)) is breaks


def test_a_deliberate_break_is_reported_by_the_run() -> None:
    """The newest release against a surface without one of its names: the check can fail."""
    since, text = newest(".txt")
    lines = text.splitlines()
    lost = next(line for line in lines if line.startswith("jingwei_sdk.records.Record.scope:"))
    found = breaking(lines, [line for line in surface() if line != lost])
    assert "jingwei_sdk.records.Record.scope is gone" in untold(found, since)


def _lines(folder: Path, text: str) -> list[str]:
    package = folder / "jingwei_sdk"
    package.mkdir(parents=True)
    (package / "m.py").write_text(text, encoding="utf-8")
    (package / "n.py").write_text("def f(a: int): ...", encoding="utf-8")
    return surface(package)
