"""Every refusal can be read: its code has a text in both languages, and no text is left over."""

import ast
import re
import string
import tomllib
from collections.abc import Iterator

import pytest

from tests.policy.project import Source, sources

SHIPPED = ("sdk/", "core/", "frontend_api/", "plugins/")
ALWAYS_GIVEN = {"field", "row", "file"}
"""What :meth:`Catalogue.describe` fills from the error itself."""

_CODE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")

Texts = dict[str, dict[str, str]]


def shipped() -> list[Source]:
    """The Python files that are installed somewhere."""
    return [source for source in sources(".py") if source.path.startswith(SHIPPED)]


def texts() -> Texts:
    """All texts of all packages by code."""
    found: Texts = {}
    for source in sources("messages.toml"):
        if source.path.startswith(SHIPPED):
            found |= tomllib.loads(source.text)
    return found


def error_names(files: list[Source]) -> set[str]:
    """``JingweiError`` and every class below it, by name; a veto carries a code just so."""
    parents = {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for source in files
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
    }
    found, size = {"JingweiError", "Veto"}, 0
    while len(found) > size:
        size = len(found)
        found |= {name for name, bases in parents.items() if bases & found}
    return found


def raised(source: Source, errors: set[str]) -> Iterator[tuple[str, ast.Call]]:
    """The codes that errors are made with, and where."""
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = ast.unparse(node.func).rpartition(".")[2]
        first = node.args[0]
        if not isinstance(first, ast.Constant) or not isinstance(first.value, str):
            continue
        if name in errors or ast.unparse(node.func) == "super().__init__":
            yield first.value, node


def textless(source: Source, errors: set[str], known: Texts) -> list[str]:
    """Codes that a reader would see bare."""
    return [
        f"{source.path}:{call.lineno} {code}"
        for code, call in raised(source, errors)
        if _CODE.fullmatch(code) and code not in known
    ]


def unfilled(source: Source, errors: set[str], known: Texts) -> list[str]:
    """Places in a text that the error leaves open: its reader would see the braces."""
    found = []
    for code, call in raised(source, errors):
        given = {keyword.arg for keyword in call.keywords}
        if None in given or code not in known or ast.unparse(call.func) == "Veto":
            continue
        filled = {name for name in given if name is not None} | (given & ALWAYS_GIVEN)
        wanted = {
            re.split(r"[.\[]", name)[0]
            for text in known[code].values()
            for _, name, _, _ in string.Formatter().parse(text)
            if name
        }
        if wanted - filled:
            found.append(f"{source.path}:{call.lineno} {code} {sorted(wanted - filled)}")
    return found


def unused(files: list[Source], known: Texts) -> list[str]:
    """Texts that no code of the packages names, not even as the beginning of a code."""
    words: set[str] = set()
    beginnings: set[str] = set()
    for source in files:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                beginnings.add(str(node.values[0].value))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.add(node.value)
    stems = tuple(begin for begin in beginnings if re.fullmatch(r"[A-Z][A-Z_]+_", begin))
    return sorted(code for code in known if code not in words and not code.startswith(stems))


def test_every_code_that_is_raised_has_a_text() -> None:
    files, known = shipped(), texts()
    errors = error_names(files)
    assert [line for source in files for line in textless(source, errors, known)] == []


def test_every_text_gets_what_it_speaks_of() -> None:
    files, known = shipped(), texts()
    errors = error_names(files)
    assert [line for source in files for line in unfilled(source, errors, known)] == []


def test_every_text_is_used() -> None:
    assert unused(shipped(), texts()) == []


def test_every_text_is_complete() -> None:
    """Both languages, and a next step in both or in neither."""
    wrong = [
        code
        for code, text in texts().items()
        if not (text.get("zh") and text.get("en")) or ("next_zh" in text) != ("next_en" in text)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("line", "textless_codes", "unfilled_codes"),
    [
        ('raise Invalid("GOOD", limit=1)', 0, 0),
        ('raise Invalid("GOOD")', 0, 1),
        ('raise Invalid("NO_TEXT")', 1, 0),
        ('raise errors.Invalid("NO_TEXT")', 1, 0),
        ('veto = Veto("NO_TEXT", {})', 1, 0),
        ('raise ValueError("NO_TEXT")', 0, 0),
    ],
)
def test_the_rules_find_what_they_look_for(
    line: str, textless_codes: int, unfilled_codes: int
) -> None:
    source, errors = Source("core/x.py", line), {"Invalid", "Veto"}
    known = {"GOOD": {"zh": "最多 {limit}", "en": "at most {limit}"}}
    assert len(textless(source, errors, known)) == textless_codes
    assert len(unfilled(source, errors, known)) == unfilled_codes
    assert unused([source], known) == ([] if "GOOD" in line else ["GOOD"])
