"""Columns that migrations make (迁移中的列): read from the files, which are not run."""

import ast
import re
from collections.abc import Iterable, Iterator

from jingwei_sdk.check.subject import Source
from jingwei_sdk.tables import TenantTable

_NAMED = {"add_column": "column_name", "rename_column": "new_column_name"}


def unmade_columns(table: type[TenantTable], migrations: Iterable[Source]) -> list[str]:
    """The columns of a table that no migration makes: none adds them by a step, and no statement
    of SQL that names the table names them."""
    name, steps, statements = str(table._meta.tablename), set[str](), list[str]()
    for source in migrations:
        if source.path.endswith(".sql"):
            statements += source.text.split(";")
        else:
            steps |= {column for of, column in _steps(source.tree) if of == name}
            statements += _statements(source.tree)
    said = "\n".join(each for each in statements if re.search(rf"\b{re.escape(name)}\b", each))
    return [
        column
        for column in (each._meta.db_column_name for each in table._meta.columns)
        if column not in steps and not re.search(rf"\b{re.escape(column)}\b", said)
    ]


def _steps(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Table and column of each step of a migration that makes a column."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            column = _NAMED.get(node.func.attr)
            given = {
                each.arg: each.value.value
                for each in node.keywords
                if isinstance(each.value, ast.Constant)
            }
            if column is not None:
                yield str(given.get("tablename")), str(given.get(column))


def _statements(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from node.value.split(";")
