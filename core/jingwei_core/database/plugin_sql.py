"""SQL of plugins (插件语句): one reading statement of what is understood, or nothing is sent.

Row security goes by a setting of the session, so whoever may send any text may change whom he is
taken for. A plugin's text is therefore read before it is sent, by PostgreSQL's lexical rules
(its manual, chapter 4.1): it is one ``SELECT``, ``WITH``, ``VALUES`` or ``TABLE``, what stands
before a parenthesis is a word of the grammar or one of the functions below, and no name belongs to
the server. What is not understood is refused.

There is no parser here on purpose. libpg_query's bindings may not be shipped with this licence;
parsers of several dialects read some texts otherwise than PostgreSQL does, which is the very gap
that an attack needs, and cost tens of megabytes. A lexer decides: a function can be called only by
a name before a parenthesis, and a name can be hidden only in ways that are refused here (``U&``,
dollar quotes, a backslash before a quote).
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from string import Formatter

from jingwei_core.database.plugin_sql_words import BEFORE_PARENTHESES, FUNCTIONS, OF_CORE
from jingwei_sdk.errors import Refused

LONGEST = 65_536
"""Characters of a statement; values belong into parameters."""

_REMEMBERED = 512
_LONGEST_REMEMBERED = 8_192
_LONGEST_TOLD = 40

_TOKEN = re.compile(
    r"""
      (?P<space>[ \t\n\r\f\v]+|--[^\n\r]*)
    | (?P<comment>/\*)
    | (?P<text>[eE]'(?:[^'\\]|\\.|'')*+'|[bBxXnN]?'(?:[^'\\]|''|\\(?!'))*+')
    | (?P<quoted>"(?:[^"]|"")++")
    | (?P<word>[A-Za-z_\u0080-\U0010ffff][A-Za-z0-9_$\u0080-\U0010ffff]*+)
    | (?P<parameter>\$[0-9]++(?![A-Za-z0-9_$\u0080-\U0010ffff]))
    | (?P<number>(?:0[xX](?:_?[0-9A-Fa-f])++|0[oO](?:_?[0-7])++|0[bB](?:_?[01])++
        |(?:[0-9](?:_?[0-9])*+(?:\.(?:[0-9](?:_?[0-9])*+)?)?|\.[0-9](?:_?[0-9])*+)
            (?:[eE][+-]?[0-9](?:_?[0-9])*+)?)
        (?![A-Za-z0-9_$\u0080-\U0010ffff]))
    | (?P<sign>[-+*/<>=~!@\#%^&|`?.,:()\[\]])
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"--|/\*")
_COMMENT_MARK = re.compile(r"/\*|\*/")
_BEGINNINGS = frozenset({"select", "with", "values", "table"})
_WRITING = frozenset({"insert", "update", "delete", "merge", "into"})
_LOCKING = frozenset({"update", "share", "no", "key"})
_OWN_SCHEMAS = frozenset({"platform", "jobs"})
_OF_THE_SERVER = re.compile(
    r"pg_.*|lo_.*|loread|lowrite|dblink.*|information_schema|set_config|current_setting|nextval"
    r"|setval|currval|lastval|setseed|txid_.*|ts_stat|ts_rewrite|binary_upgrade_.*"
    # Types that look names of the server up.
    r"|reg(?:proc|procedure|oper|operator|class|type|role|namespace|config|dictionary|collation"
    r"|database)|to_reg.*|has_.*_privilege"
    r"|(?:query|table|cursor|schema|database)_to_xml.*",
    re.DOTALL,
)

_Token = tuple[str, str]
"""The kind, and the word as PostgreSQL takes it, or the sign; texts and numbers are empty."""

_NOTHING: _Token = ("", "")
_UNICODE: list[_Token] = [("word", "u"), ("sign", "&")]


class PluginSqlRefused(Refused):
    """A plugin's SQL was not sent; ``found`` names what it was refused for, never a value."""

    def __init__(self, found: str) -> None:
        super().__init__("PLUGIN_SQL_REFUSED", found=found[:_LONGEST_TOLD])


def check_statement(sql: str) -> None:
    """Raise :class:`PluginSqlRefused` unless this is one reading statement that is understood."""
    if type(sql) is not str:  # a class of its own could read otherwise than it is sent
        raise PluginSqlRefused(type(sql).__name__)
    if len(sql) <= _LONGEST_REMEMBERED:
        _known_statement(sql)
    else:
        _statement(sql)


def is_closed(schema: str) -> bool:
    """Whether no plugin's code reads the schema: it is the server's, or not under row security."""
    return schema in _OWN_SCHEMAS or _OF_THE_SERVER.fullmatch(schema) is not None


def checked_fragment(sql: str) -> str:
    """SQL that a package made to stand inside a statement of the platform, if it is understood: it
    has no comments, and closes no parenthesis but its own."""
    _known_fragment(sql)
    return sql


@lru_cache(_REMEMBERED)
def check_expression(template: str, names: tuple[str, ...]) -> None:
    """The same for SQL that stands inside a statement of the platform, such as that of
    :class:`jingwei_sdk.narrowing.Written`: placeholders are names alone."""
    for _, name, form, conversion in Formatter().parse(template):
        if name is not None and (form or conversion or not name.isidentifier()):
            raise PluginSqlRefused(f"{{{name}}}")
    try:
        said = template.format(**{"row": "t", **dict.fromkeys(names, "$1")})
    except KeyError as error:
        raise PluginSqlRefused(f"{{{error.args[0]}}}") from error
    _fragment(said)


@lru_cache(_REMEMBERED)
def _known_statement(sql: str) -> None:
    _statement(sql)


@lru_cache(_REMEMBERED)
def _known_fragment(sql: str) -> None:
    _fragment(sql)


def _fragment(sql: str) -> None:
    if _COMMENT.search(sql):
        raise PluginSqlRefused("--")
    _check(list(_tokens(sql)))


def _statement(sql: str) -> None:
    if len(sql) > LONGEST:
        raise PluginSqlRefused(f"> {LONGEST}")
    stripped = sql.rstrip(" \t\n\r\f\v")
    tokens = list(_tokens(stripped.removesuffix(";")))
    first = next((token for token in tokens if token != ("sign", "(")), ("sign", ""))
    if first[0] != "word" or first[1] not in _BEGINNINGS:
        raise PluginSqlRefused(first[1] or first[0])
    _check(tokens)


def _tokens(sql: str) -> Iterator[_Token]:
    if "\0" in sql:  # the protocol ends a text with it
        raise PluginSqlRefused("\\0")
    at = 0
    while at < len(sql):
        found = _TOKEN.match(sql, at)
        if found is None:
            raise PluginSqlRefused(sql[at])
        at, kind, said = found.end(), str(found.lastgroup), found.group()
        if kind == "comment":
            at = _after_comment(sql, at)
        elif kind == "word":
            # PostgreSQL folds ASCII only.
            yield "word", said.lower() if said.isascii() else said
        elif kind == "quoted":
            yield "quoted", said[1:-1].replace('""', '"')
        elif kind == "sign":
            yield "sign", said
        elif kind != "space":
            yield kind, ""


def _after_comment(sql: str, at: int) -> int:
    """Comments nest."""
    depth = 1
    while depth:
        mark = _COMMENT_MARK.search(sql, at)
        if mark is None:
            raise PluginSqlRefused("/*")
        depth += 1 if mark.group() == "/*" else -1
        at = mark.end()
    return at


def _check(tokens: list[_Token]) -> None:
    opened: list[int] = []
    closed: dict[int, int] = {}
    for at, (kind, said) in enumerate(tokens):
        before = tokens[at - 1] if at else _NOTHING
        after = tokens[at + 1] if at + 1 < len(tokens) else _NOTHING
        if kind in ("text", "quoted") and tokens[max(at - 2, 0) : at] == _UNICODE:
            raise PluginSqlRefused("U&")
        if kind in ("word", "quoted"):
            _check_name((kind, said), before, after)
            if after == ("sign", "(") and not (
                _may_open(tokens, at) or _renames(tokens, at, closed)
            ):
                raise PluginSqlRefused(f"{said}(")
        elif said == "(":
            opened.append(at)
        elif said == ")":
            if not opened:
                raise PluginSqlRefused(")")
            closed[at] = opened.pop()
    if opened:
        raise PluginSqlRefused("(")


def _check_name(token: _Token, before: _Token, after: _Token) -> None:
    kind, said = token
    if _OF_THE_SERVER.fullmatch(said.lower()):
        raise PluginSqlRefused(said)
    if said.lower() in _OWN_SCHEMAS and after == ("sign", "."):
        raise PluginSqlRefused(f"{said}.")
    if kind == "quoted":
        return
    if said in _WRITING and before != ("sign", "."):
        raise PluginSqlRefused(said)
    if said in _LOCKING and before == ("word", "for"):
        raise PluginSqlRefused(f"for {said}")


def _may_open(tokens: list[_Token], at: int) -> bool:
    """Whether the name may stand before a parenthesis: a word of the grammar, a function that is
    known, a name that ``AS`` gives, or a common table expression with its columns."""
    kind, said = tokens[at]
    before = tokens[at - 1] if at else _NOTHING
    if before == ("sign", "."):
        schema = tokens[at - 2 : at - 1] if at > 1 else []
        is_whole = at < 3 or tokens[at - 3] != ("sign", ".")
        return is_whole and schema == [("word", "core")] and kind == "word" and said in OF_CORE
    if kind == "word" and (said in BEFORE_PARENTHESES or said in FUNCTIONS):
        return True
    if kind == "quoted" and said in FUNCTIONS:
        return True
    return before == ("word", "as") or _names_columns(tokens, at)


def _names_columns(tokens: list[_Token], at: int) -> bool:
    """``name (a, b) AS (SELECT …``: no call of a function can go on like this."""
    end = _end_of_names(tokens, at)
    if end is None:
        return False
    rest = [token for token in tokens[end + 1 : end + 7] if token[1] not in ("not", "materialized")]
    if rest[:2] != [("word", "as"), ("sign", "(")] or len(rest) < 4:
        return False
    kind, said = rest[2]
    # ``f(a) AS (values integer)`` says the columns of a function's rows.
    return kind == "word" and said in _BEGINNINGS and (said != "values" or rest[3][1] == "(")


def _renames(tokens: list[_Token], at: int, closed: dict[int, int]) -> bool:
    """``(…) name (a, b)``: a name for rows and their columns, but after ``DISTINCT ON (…)``."""
    start = closed.get(at - 1)
    if start is None or _end_of_names(tokens, at) is None:
        return False
    return start > 0 and tokens[start - 1] != ("word", "on")


def _end_of_names(tokens: list[_Token], at: int) -> int | None:
    """Where the parenthesis after a name closes, if nothing but names and commas are in it."""
    for end in range(at + 2, len(tokens)):
        if tokens[end] == ("sign", ")"):
            return end
        if tokens[end][0] not in ("word", "quoted") and tokens[end] != ("sign", ","):
            return None
    return None
