"""What is read in a plugin's SQL before it is sent: attacks, honest texts, and any text at all."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from jingwei_core.database.plugin_sql import (
    PluginSqlRefused,
    check_expression,
    check_statement,
    checked_fragment,
)
from jingwei_core.database.plugin_sql_words import FUNCTIONS, OF_CORE
from tests.core.database.plugin_sql_texts import ATTACKS, HONEST

ROOT = Path(__file__).parents[3]
_READS = re.compile(r"\s*\(*\s*(?:SELECT|WITH|VALUES)\b")
_CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)
# Pages that show what is refused, and tests of plugins, whose kit reads by another way.
_OTHERS = ("check.md", "tests")


def passes(sql: str) -> bool:
    try:
        check_statement(sql)
    except PluginSqlRefused as refused:
        return not (refused.code == "PLUGIN_SQL_REFUSED" and refused.params["found"])
    return True


@pytest.mark.parametrize("kind", ATTACKS)
def test_an_attack_is_refused(kind: str) -> None:
    assert [sql for sql in ATTACKS[kind] if passes(sql)] == []


def test_an_attack_is_refused_as_a_fragment_too() -> None:
    """Inside a statement of the platform nothing is less than in one of its own."""
    for kind in ("the setting itself", "places of a statement", "SQL inside of values"):
        for sql in ATTACKS[kind]:
            with pytest.raises(PluginSqlRefused):
                checked_fragment(f"({sql})")
    for text in ("1) OR (true", "true -- ", "true /* */", "true /*"):
        with pytest.raises(PluginSqlRefused):
            checked_fragment(text)
    for template in ("{row!r}", "{row.id:x}", "{row[0]}", "{unknown}", "set_config({row}, {a})"):
        with pytest.raises(PluginSqlRefused):
            check_expression(template, ("a",))
    check_expression("lower({row}.code) = {a}", ("a",))
    assert checked_fragment("t.code ~ $1") == "t.code ~ $1"


def test_an_honest_statement_passes() -> None:
    assert [sql for sql in HONEST if not passes(sql)] == []


def test_a_text_that_is_no_plain_text_is_refused() -> None:
    class Other(str):
        """Could be read otherwise than it is sent."""

    with pytest.raises(PluginSqlRefused):
        check_statement(Other("SELECT 1"))


def written() -> Iterator[tuple[str, str]]:
    """The reading statements of plugins and examples here, and of the pages on how to write one."""
    for folder in ("plugins", "examples", "docs/sdk"):
        for file in sorted((ROOT / folder).rglob("*.*")):
            if file.name in _OTHERS or "tests" in file.parts or file.suffix not in (".py", ".md"):
                continue
            text = file.read_text(encoding="utf-8")
            for code in [text] if file.suffix == ".py" else _CODE.findall(text):
                for sql in _statements(code):
                    yield str(file.relative_to(ROOT)), sql


def _statements(code: str) -> Iterator[str]:
    try:
        tree = ast.parse(code)
    except SyntaxError:  # a page may show a part
        return
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and _READS.match(node.value)
        ):
            yield node.value


def test_what_plugins_and_pages_ask_passes() -> None:
    found = list(written())
    assert len({name for name, _ in found}) >= 5, "statements are found where they were"
    assert [(name, sql) for name, sql in found if not passes(sql)] == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_lists_each_function(language: str) -> None:
    page = (ROOT / "docs" / "sdk" / language / "data.md").read_text(encoding="utf-8")
    (listed,) = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert sorted(listed.split()) == sorted([*FUNCTIONS, *(f"core.{name}" for name in OF_CORE)])


_GAP = st.sampled_from(["", " ", "\n", "\t\v", "/**/", "/* /* ' */ */", "--x'\n", ' /*"*/ '])


@st.composite
def hidden(draw: st.DrawFn) -> str:
    """A call of ``set_config``, however it is spelled, somewhere in a statement."""

    def spelled(name: str) -> str:
        ups = draw(st.lists(st.booleans(), min_size=len(name), max_size=len(name)))
        cased = "".join(c.upper() if up else c for c, up in zip(name, ups, strict=True))
        escaped = "".join(draw(st.sampled_from([c, f"\\{ord(c):04x}"])) for c in name)
        return draw(st.sampled_from([cased, f'"{name}"', f'U&"{escaped}"', f'u&"{escaped}"']))

    called = spelled("set_config")
    if draw(st.booleans()):
        called = f"{spelled('pg_catalog')}{draw(_GAP)}.{draw(_GAP)}{called}"
    call = f"{called}{draw(_GAP)}({draw(_GAP)}'app.tenant',{draw(_GAP)}$1, true)"
    shape = draw(
        st.sampled_from(
            [
                "SELECT{gap} {call}",
                "SELECT lower({call})",
                "SELECT 'a',{gap}{call},{gap}'b'",
                "SELECT 1 FROM{gap} {call}{gap} t(a)",
                "WITH a (b) AS (SELECT{gap} {call}) SELECT 1",
                "SELECT E'\\\\'{gap},{call}",
                "SELECT 1 WHERE{gap} {call} = ''",
                "VALUES ({gap}{call})",
                "SELECT ARRAY[{call}]",
                "SELECT DISTINCT ON (a){gap} {call}",
                "SELECT 1 AS x,{call}",
            ]
        )
    )
    return shape.format(gap=draw(_GAP), call=call)


@settings(deadline=None)
@given(hidden())
def test_no_spelling_of_the_setting_passes(sql: str) -> None:
    assert not passes(sql)


_NAME = st.sampled_from(["a", "b1", "名称", '"Odd ""one"', "x.y", '"x"."z"'])
_LEAF: SearchStrategy[str] = st.one_of(
    _NAME,
    st.sampled_from(["$1", "$12", "1", "1.5", ".5e-3", "1_000", "NULL", "true", "now()"]),
    st.text(st.characters(exclude_characters="\\\0", exclude_categories=["Cs"])).map(
        lambda text: "'" + text.replace("'", "''") + "'"
    ),
)


def _larger(inner: SearchStrategy[str]) -> SearchStrategy[str]:
    binary = st.sampled_from(["+", "-", "=", "<>", "||", "->>", "AND", "IS DISTINCT FROM", "LIKE"])
    function = st.sampled_from(["lower", "coalesce", "count", "date_trunc", '"max"', "concat"])
    return st.one_of(
        st.tuples(inner, binary, inner).map(" ".join),
        st.tuples(function, inner).map(lambda pair: f"{pair[0]}({pair[1]})"),
        inner.map(lambda each: f"({each})::numeric(10, 2)"),
        inner.map(lambda each: f"CASE WHEN {each} THEN 1 ELSE 2 END"),
        inner.map(lambda each: f"{each} IN (SELECT x FROM s.u u)"),
        st.lists(inner, min_size=1, max_size=3).map(lambda each: f"ARRAY[{', '.join(each)}]"),
    )


@st.composite
def honest(draw: st.DrawFn) -> str:
    """A reading statement put together from the grammar."""
    expression = st.recursive(_LEAF, _larger, max_leaves=6)
    columns = ", ".join(draw(st.lists(expression, min_size=1, max_size=3)))
    source = draw(
        st.sampled_from(
            ["s.t x", "s.t AS x (y, z)", "unnest($1) x(y)", "(VALUES (1)) AS x(y)", "s.t x, s.u z"]
        )
    )
    said = f"SELECT {columns}{draw(_GAP)} FROM {source}"
    if draw(st.booleans()):
        said += f" WHERE {draw(expression)}"
    if draw(st.booleans()):
        said += f" GROUP BY {draw(_NAME)} HAVING count(*) > 1"
    before = draw(st.sampled_from(["", "WITH q (a, b) AS (SELECT 1, 2) ", "/* why */ "]))
    return before + said + draw(st.sampled_from(["", " LIMIT 10", ";", " ORDER BY 1 DESC "]))


@settings(deadline=None)
@given(honest())
def test_what_the_grammar_makes_without_guile_passes(sql: str) -> None:
    check_statement(sql)


_BITS = st.sampled_from(
    [*"'\"$;\\/*-()., \n\0", "U&", "E'", "SELECT ", "set_config", "--", "/*", "*/", "AS ", "core."]
)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(_BITS, max_size=40).map("".join)))
def test_any_text_is_answered(text: str) -> None:
    """Nothing but a refusal is raised, whatever it is."""
    passes(text)
    passes(f"SELECT {text}")
