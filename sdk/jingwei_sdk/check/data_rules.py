"""Rules of data (数据, JW-4xx): own schema, declared persons, migrations that old code survives."""

import ast
import inspect
import re
from collections.abc import Iterator

from jingwei_sdk._called import computed_fields, name_of
from jingwei_sdk.check.found import Found, Said, at
from jingwei_sdk.check.migrated_columns import unmade_columns
from jingwei_sdk.check.subject import MIGRATIONS, Source, Subject
from jingwei_sdk.data_rights import subjects_in, unanswered
from jingwei_sdk.personal_fields import objections
from jingwei_sdk.tables import TenantTable

_SQL = re.compile(r"\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|WITH)\b", re.IGNORECASE)
_TABLE = re.compile(
    r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:ONLY\s+)?\"?([a-z_][a-z0-9_]*)\"?\s*\.\s*\"?[a-z_]",
    re.IGNORECASE,
)
# After a comma too, where no word says that a table comes.
_PLATFORMS_OWN = re.compile(
    r"(?<![\w.\"])\"?(core|platform|jobs|pg_catalog|information_schema)\"?\s*\.\s*\"?[a-z_]",
    re.IGNORECASE,
)
# The tenant of a transaction is a setting of its session, and row security believes it.
_REBINDS = re.compile(
    r"\bset_config\s*\(|\b(?:RE)?SET\s+(?:(?:LOCAL|SESSION)\s+)?app\s*\."
    # Words of a sentence otherwise.
    r"|(?-i:\b(?:RE)?SET\s+(?:(?:LOCAL|SESSION)\s+)?ROLE\b)",
    re.IGNORECASE,
)
_TAKEN_AWAY = re.compile(
    r"\bDROP\s+(?:TABLE|COLUMN|SCHEMA)\b|\bRENAME\b|\bSET\s+NOT\s+NULL\b"
    r"|\bALTER\s+(?:COLUMN\s+)?\w+\s+(?:SET\s+DATA\s+)?TYPE\b",
    re.IGNORECASE,
)
_TAKING = {"drop_table", "drop_column", "rename_table", "rename_column", "change_table_schema"}


def own_tables(subject: Subject) -> Iterator[Found]:
    """Tables are tenants' tables in the plugin's schema, with no foreign key out of it."""
    manifest, plugin = subject.manifest, subject.plugin
    if manifest is None or plugin is None:
        return
    for table in plugin.tables:
        name, file = table.__name__, _file_of(subject, table)
        if TenantTable not in table.__mro__:
            yield at(
                file.path,
                _line(file, name),
                name=name,
                cause=Said("不是 TenantTable", "is no TenantTable"),
            )
        if table._meta.schema != manifest.schema:
            cause = Said(
                f"不在模式 {manifest.schema} 内", f"is not in the schema {manifest.schema}"
            )
            yield at(file.path, _line(file, name), name=name, cause=cause)
        for column in table._meta.foreign_key_columns:
            target = column._foreign_key_meta.resolved_references
            if target._meta.schema != manifest.schema:
                to = target._meta.schema
                cause = Said(f"有指向 {to} 的外键", f"has a foreign key to {to}")
                place = _line(file, name)
                yield at(file.path, place, name=f"{name}.{column._meta.name}", cause=cause)


def own_sql(subject: Subject) -> Iterator[Found]:
    """SQL of the plugin names tables of its own schema and no others."""
    own = subject.manifest.schema if subject.manifest is not None else subject.package
    for source in subject.code:
        for node in ast.walk(source.tree):
            text = _text_of(node)
            named = [*_TABLE.findall(text), *_PLATFORMS_OWN.findall(text)]
            for schema in sorted({name.lower() for name in named}) if _SQL.search(text) else ():
                if schema != own:
                    yield at(source.path, getattr(node, "lineno", 1), name=schema)


def settled_tenant(subject: Subject) -> Iterator[Found]:
    """SQL of the plugin leaves the session as the platform made it: its tenant and its role."""
    for source in (*subject.code, *subject.migrations):
        if source.path.endswith(".sql"):
            for number, line in enumerate(source.text.splitlines(), start=1):
                for said in _REBINDS.findall(line.partition("--")[0]):
                    yield at(source.path, number, name=" ".join(said.split()))
            continue
        for node in ast.walk(source.tree):
            for said in _REBINDS.findall(_text_of(node)):
                yield at(source.path, getattr(node, "lineno", 1), name=" ".join(said.split()))


def declared_persons(subject: Subject) -> Iterator[Found]:
    """What is kept of a person says why, on which basis and for how long."""
    for objection in objections(subject.plugin) if subject.plugin is not None else ():
        name = str(objection.params.get("name", ""))
        file = _naming(subject, name.partition(".")[0])
        yield at(file, code=objection.code, name=name)


def migrated_tables(subject: Subject) -> Iterator[Found]:
    """Each table and column stands in a migration, and the files are named after the plugin."""
    manifest, plugin = subject.manifest, subject.plugin
    if manifest is None or plugin is None or not plugin.tables:
        return
    if not subject.migrations:
        yield at(
            subject.path_of(MIGRATIONS),
            cause=Said(
                f"{len(plugin.tables)} 张表没有迁移", f"{len(plugin.tables)} tables, no migration"
            ),
        )
    for source in subject.migrations:
        name = source.path.rpartition("/")[2]
        if not name.startswith(f"{manifest.schema}_"):
            yield at(
                source.path,
                cause=Said(
                    f"文件名不以 {manifest.schema}_ 开头",
                    f"its name does not begin with {manifest.schema}_",
                ),
            )
    told = "\n".join(source.text for source in subject.migrations)
    for table in plugin.tables if subject.migrations else ():
        name = str(table._meta.tablename)
        if not re.search(rf"\b{re.escape(name)}\b", told):
            yield at(
                subject.path_of(MIGRATIONS),
                cause=Said(f"没有建立表 {name} 的迁移", f"none makes the table {name}"),
            )
            continue
        for column in unmade_columns(table, subject.migrations):
            cause = Said(
                f"没有建立列 {name}.{column} 的迁移", f"none makes the column {name}.{column}"
            )
            yield at(subject.path_of(MIGRATIONS), cause=cause)


def additive_migrations(subject: Subject) -> Iterator[Found]:
    """Code of the version before still reads and writes after a migration ran."""
    for source in subject.migrations[1:]:
        if source.path.endswith(".sql"):
            for number, line in enumerate(source.text.splitlines(), start=1):
                if _TAKEN_AWAY.search(line.partition("--")[0]):
                    yield at(source.path, number, cause=line.strip()[:60])
            continue
        steps = [
            (node, node.func.attr)
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        ]
        # Code of the version before knows nothing of a table that is made here.
        made = {_table_of(node) for node, step in steps if step == "add_table"} - {""}
        for node, step in steps:
            cause = "" if _table_of(node) in made else _taken_away(node, step)
            if cause:
                yield at(source.path, node.lineno, cause=cause)


def _table_of(call: ast.Call) -> str:
    """The table that a step of a migration names; empty for none."""
    for keyword in call.keywords:
        if keyword.arg == "tablename" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    return ""


def _taken_away(call: ast.Call, step: str) -> Said | str:
    """What a step of a migration takes from code of the version before; empty for nothing."""
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    if step in _TAKING:
        return step
    params = given.get("params")
    values: dict[object, ast.expr] = {}
    if isinstance(params, ast.Dict):
        values = {
            key.value: value
            for key, value in zip(params.keys, params.values, strict=True)
            if isinstance(key, ast.Constant)
        }
    is_required = _is(values.get("null"), False)
    if step == "add_column" and is_required and _is(values.get("default"), None):
        return Said("add_column 没有默认值", "add_column without a default")
    if step == "alter_column":
        new, old = given.get("column_class"), given.get("old_column_class")
        if new is not None and old is not None and ast.dump(new) != ast.dump(old):
            return Said("alter_column 改变类型", "alter_column to another type")
        if is_required:
            return Said("alter_column 改为 NOT NULL", "alter_column to NOT NULL")
    return ""


def _is(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def answered_rights(subject: Subject) -> Iterator[Found]:
    """A plugin that holds something of a person answers when they ask for it or for its end, and
    says what becomes of it in a copy of the tenant."""
    plugin = subject.plugin
    if plugin is None:
        return
    said: set[type[TenantTable]] = set()
    for each in unanswered(plugin.tables, plugin.data_rights, plugin.clone_rules):
        table, file = each.table, _file_of(subject, each.table)
        if table in said:
            continue
        said.add(table)
        referring = (name for names in subjects_in(table).values() for name in names)
        for name in (*table.PERSONAL, *referring):
            yield at(file.path, _line(file, table.__name__), name=f"{table.__name__}.{name}")


def batched_fields(subject: Subject) -> Iterator[Found]:
    """A computed field asks once for all rows, never once for each."""
    if subject.plugin is None:
        return
    for name, field in computed_fields(subject.plugin):
        function = name_of(inspect.unwrap(field.resolve))
        source = _defining(subject, function)
        if source is None:
            continue
        for line in _awaited_in_loops(source.tree, function):
            yield at(source.path, line, name=name)


def _awaited_in_loops(tree: ast.Module, function: str) -> Iterator[int]:
    """The lines where a function awaits the platform's data inside a loop."""
    loops = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.DictComp, ast.SetComp)
    lines = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.AsyncFunctionDef) or node.name != function:
            continue
        for loop in (each for each in ast.walk(node) if isinstance(each, loops)):
            for inner in ast.walk(loop):
                called = ast.unparse(inner.value) if isinstance(inner, ast.Await) else ""
                if called.startswith(("ctx.data.", "ctx.records.")):
                    lines.add(inner.lineno)  # type: ignore[attr-defined]
    return iter(sorted(lines))


def _text_of(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    return ""


def _defining(subject: Subject, function: str) -> Source | None:
    return next((each for each in subject.code if f"async def {function}(" in each.text), None)


def _file_of(subject: Subject, table: type[TenantTable]) -> Source:
    name = f"class {table.__name__}("
    found = (source for source in subject.code if name in source.text)
    return next(found, Source(subject.path_of("__init__.py"), ""))


def _line(source: Source, table: str) -> int:
    return source.line_of(f"class {table}(")


def _naming(subject: Subject, word: str) -> str:
    found = (source.path for source in subject.code if word and word in source.text)
    return next(found, subject.path_of("__init__.py"))


RULES = {
    "JW-401": own_tables,
    "JW-402": own_sql,
    "JW-403": declared_persons,
    "JW-404": migrated_tables,
    "JW-405": additive_migrations,
    "JW-406": answered_rights,
    "JW-407": batched_fields,
    "JW-408": settled_tenant,
}
