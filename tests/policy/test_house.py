"""The house rules that no linter knows: sizes, names, what may stand in a file and at the top."""

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from tests.policy.project import Source, paths, sources

MODULE_LINES = 400
FUNCTION_LINES = 40
PARAMETERS = 5
SHIPPED = ("sdk/", "core/", "frontend_api/", "plugins/")
TOP_LEVEL = {
    *("core", "deploy", "docs", "examples", "frontend_api", "plugins", "sdk", "tenants", "tests"),
    *("CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "NOTICE", "README.md"),
    *("README.en.md", "README.zh.md", "SECURITY.md", "pyproject.toml", "uv.lock"),
}
VAGUE_NAMES = {"base_utils", "common", "helper", "helpers", "misc", "util", "utils"}
# Spelt in parts: this file is under its own rule.
REGISTRIES = (
    *(("py", "pi.org"), ("python", "hosted.org"), ("npm", "js.org"), ("npm", "mirror.com")),
    *(("yarn", "pkg.com"), ("proxy.gol", "ang.org"), ("crates", ".io"), ("deb.deb", "ian.org")),
    *(("archive.ubu", "ntu.com"), ("tuna.tsing", "hua"), ("mirrors.ali", "yun")),
)
_REGISTRY = re.compile("|".join(re.escape("".join(parts)) for parts in REGISTRIES))
_MACHINE = re.compile(r"(?<![\w.-])/(?:work|root|farm|home/\w+|Users/\w+)/|\.libr" + "ary/")
# Only the mark itself: `noqa` or `ignore` in running text is a word like any other.
_BARE_SILENCE = re.compile(
    r"#\s*type:\s*ignore(?!\[)|#\s*no" + r"qa(?!:\s*[A-Z]+[0-9])", re.IGNORECASE
)
_UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")


def _functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def _is_generated_order(source: Source) -> bool:
    # Migrations are written by a tool, one step after the other, and never edited after they ran.
    return "_migrations/" in source.path or "/migrations/" in source.path


def long_modules(source: Source) -> list[str]:
    """The module, when it has more lines than a reader keeps in mind."""
    length = 0 if _is_generated_order(source) else len(source.text.splitlines())
    return [f"{source.path} has {length} lines"] if length > MODULE_LINES else []


def long_functions(source: Source) -> list[str]:
    """Functions of more than 40 lines, their docstring and decorators not counted."""
    found = []
    for function in () if _is_generated_order(source) else _functions(source):
        documented = ast.get_docstring(function, clean=False) is not None
        text = function.body[0] if documented else None
        spare = (text.end_lineno or 0) - text.lineno + 1 if text else 0
        length = (function.end_lineno or 0) - function.lineno + 1 - spare
        if length > FUNCTION_LINES:
            found.append(f"{source.path}:{function.lineno} {function.name} has {length} lines")
    return found


def many_parameters(source: Source) -> list[str]:
    """Functions with more than five positional parameters, self and cls not counted.

    Parameters after `*` are named at every call and cannot be mixed up, so they do not count; nor
    do those of a command-line or HTTP handler, which are the options a person types, and those of a
    test, which pytest fills by name.
    """
    found = []
    for function in _functions(source):
        if source.path.startswith("tests/") and function.name.startswith("test_"):
            continue
        if function.decorator_list and source.path.endswith(("cli.py", "routes.py")):
            continue
        if function.decorator_list and "/cli/" in source.path:
            continue
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        count = len(names) - (names[:1] in (["self"], ["cls"]))
        if count > PARAMETERS:
            found.append(f"{source.path}:{function.lineno} {function.name} takes {count}")
    return found


def vague_names(source: Source) -> list[str]:
    """Modules and folders whose name does not say their job."""
    parts = source.path.removesuffix(".py").split("/")
    return [f"{source.path} does not say its job"] if VAGUE_NAMES & set(parts) else []


def prints(source: Source) -> list[str]:
    """Calls of print outside the command line: output belongs to it, news to the log."""
    if not source.path.startswith(SHIPPED) or "/cli/" in source.path:
        return []
    if source.path.endswith("/cli.py"):
        return []
    calls = (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))
    return [
        f"{source.path}:{call.lineno} prints"
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id == "print"
    ]


def undocumented(source: Source) -> list[str]:
    """Public names of the SDK that a plugin author would have to guess about."""
    if not source.path.startswith("sdk/jingwei_sdk/"):
        return []
    found = [] if ast.get_docstring(source.tree) else [f"{source.path} has no docstring"]
    for node in source.tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        inner = node.body if isinstance(node, ast.ClassDef) else []
        public = [
            member
            for member in (node, *inner)
            if isinstance(member, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and not member.name.startswith("_")
            and not any("overload" in ast.unparse(mark) for mark in member.decorator_list)
        ]
        if not node.name.startswith("_"):
            found += [
                f"{source.path}:{member.lineno} {member.name} has no docstring"
                for member in public
                if not ast.get_docstring(member)
            ]
    return found


def _lines_with(pattern: re.Pattern[str], what: str) -> Callable[[Source], list[str]]:
    def rule(source: Source) -> list[str]:
        lines = enumerate(source.text.splitlines(), start=1)
        return [f"{source.path}:{at} {what}" for at, line in lines if pattern.search(line)]

    return rule


machine_paths = _lines_with(_MACHINE, "names a folder of one machine")
registry_hosts = _lines_with(_REGISTRY, "names a package registry's host")
bare_silence = _lines_with(_BARE_SILENCE, "silences without a code")
unfinished = _lines_with(_UNFINISHED, "is unfinished")

MODULE = "sdk/jingwei_sdk/sample.py"
LONG = "def f():\n" + "    pass\n" * 40
# Each rule with a sample that it has to refuse and one that it has to let pass.
PYTHON_RULES: list[tuple[Callable[[Source], list[str]], Source, Source]] = [
    (long_modules, Source(MODULE, "x = 1\n" * 401), Source(MODULE, "x = 1\n" * 400)),
    (
        long_modules,
        Source("core/jingwei_core/migrate.py", "x = 1\n" * 401),
        Source("core/jingwei_core/migrations/core_a.py", "x = 1\n" * 401),
    ),
    (long_functions, Source(MODULE, LONG), Source(MODULE, LONG.removesuffix("    pass\n"))),
    (
        many_parameters,
        Source(MODULE, "def f(a, b, c, d, e, g): ..."),
        Source(MODULE, "def f(self, a, b, c, d, e, *, g): ..."),
    ),
    (
        many_parameters,
        Source("tests/test_a.py", "def a(a, b, c, d, e, g): ..."),
        Source("tests/test_a.py", "def test_a(a, b, c, d, e, g): ..."),
    ),
    (vague_names, Source("core/jingwei_core/utils.py", ""), Source(MODULE, "")),
    (prints, Source(MODULE, "print(1)"), Source("core/jingwei_core/cli/a.py", "print(1)")),
    (undocumented, Source(MODULE, '"""M."""\ndef f(): ...'), Source(MODULE, '"""M."""\nx = 1')),
    (
        bare_silence,
        Source(MODULE, "x = 1  # no" + "qa"),
        Source(MODULE, "x = 1  # no" + "qa: E501"),
    ),
    (bare_silence, Source(MODULE, "x = 1  # type: " + "ignore"), Source(MODULE, "ignored = 1")),
]
TEXT_RULES: list[tuple[Callable[[Source], list[str]], Source, Source]] = [
    (machine_paths, Source("docs/a.md", "see /ro" + "ot/x"), Source("docs/a.md", "a/root/x")),
    (
        registry_hosts,
        Source("uv.lock", 'registry = "https://py' + 'pi.org/simple"'),
        Source("uv.lock", 'registry = "https://index.invalid/simple"'),
    ),
    (unfinished, Source("docs/a.md", "TO" + "DO: write"), Source("docs/a.md", "to do")),
]


@pytest.mark.parametrize(
    ("rule", "bad", "good"),
    [*PYTHON_RULES, *TEXT_RULES],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_each_rule_refuses_its_bad_sample_only(
    rule: Callable[[Source], list[str]], bad: Source, good: Source
) -> None:
    assert len(rule(bad)) == 1
    assert rule(good) == []


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _, _ in PYTHON_RULES))
def test_python_follows_the_house(rule: Callable[[Source], list[str]]) -> None:
    files = sources(".py")
    assert len(files) > 10
    assert [found for source in files for found in rule(source)] == []


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _, _ in TEXT_RULES))
def test_every_text_follows_the_house(rule: Callable[[Source], list[str]]) -> None:
    files = sources()
    assert "uv.lock" in {source.path for source in files}
    assert [found for source in files for found in rule(source)] == []


def strays(names: tuple[str, ...]) -> set[str]:
    """What stands at the top of the tree beyond the agreed folders and files."""
    tops = {name.split("/")[0] for name in names}
    return {top for top in tops if top not in TOP_LEVEL and not top.startswith(".")}


def test_only_the_agreed_names_stand_at_the_top() -> None:
    assert strays(paths()) == set()
    assert strays(("core/a.py", ".ci/run", "scripts/a.sh", "setup.py")) == {"scripts", "setup.py"}
