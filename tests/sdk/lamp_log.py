"""Two releases of one plugin, installed as ``pip`` leaves them, each in a folder of its own: a
process has the release whose folder is on its path.

Release 2 keeps the length of what was written in a column of its own, and hours instead of days in
its settings; both releases answer every question alike. ``judged`` fails where a row says so.
"""

import os
from pathlib import Path

ID, PACKAGE = "lamp-log", "lamp_log"
BROKEN = "broken"
HOURS = 72
ONE, TWO = "1.0.0", "2.0.0"

_MANIFEST = """\
id = "lamp-log"
version = "{version}"
sdk = ">=1.0,<2"
name_zh = "路灯日志"
name_en = "Lamp log"
description_zh = "路灯巡查所记"
description_en = "What was noted of lamps"
licence = "Apache-2.0"
graphql_prefix = "LampLog"
permissions = [
  {{ code = "lamp-log.read", zh = "查看", en = "Read" }},
  {{ code = "lamp-log.write", zh = "记录", en = "Write" }},
]
"""
_CODE = """\
from typing import Annotated

import msgspec
from piccolo.columns import Integer, Text

from jingwei_sdk.commands import command
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import Computed, Record, TenantWide
from jingwei_sdk.settings import SettingsOf
from jingwei_sdk.tables import TenantTable
from jingwei_sdk.upgrades import DataMigration


class LampLogLine(TenantTable, tablename="line", schema="lamp_log"):
    words = Text(default="", null=False)
    {column}


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    {setting}


class LampLogWords(msgspec.Struct, frozen=True):
    words: str


async def size(ctx, rows):
    return [{size} for row in rows]


async def hours(ctx, rows):
    return [{hours} for _ in rows]


async def judged(ctx, rows):
    if any(row["words"] == "broken" for row in rows):
        raise RuntimeError("a lamp is broken")
    return [True for _ in rows]


LINE = Record(
    LampLogLine,
    read="lamp-log.read",
    scope=(TenantWide(),),
    computed={{
        "size": Computed(int, {needs}, size),
        "hours": Computed(int, ("words",), hours),
        "judged": Computed(bool, ("words",), judged),
    }},
)


@command("lamp-log.note", permission="lamp-log.write", tenant_wide=True, returns=LINE)
async def note(ctx, given: LampLogWords) -> LampLogLine:
    return await ctx.data.insert(LampLogLine(words=given.words{stored}))
{more}

plugin = Plugin(
    id="lamp-log",
    package="lamp_log",
    tables=(LampLogLine,),
    records=(LINE,),
    commands=(note,),
    settings=SettingsOf(Settings{version}),
    {upgrades}
)
"""
_BATCHES = """

async def measured(ctx) -> int:
    rows = (await ctx.data.find(LampLogLine, length=-1))[:3]
    for row in rows:
        await ctx.data.update(row, length=len(row.words))
    return len(rows)
"""
_HOW_LONG = (
    "{name}: Annotated[int, msgspec.Meta(ge=1, description='{zh} · {name} to repair')] = {usual}"
)
_PARTS = {
    ONE: {
        "column": "",
        "setting": _HOW_LONG.format(name="days", zh="天数", usual=1),
        "size": "len(row['words'])",
        "needs": '("words",)',
        "hours": "ctx.settings_of(Settings).days * 24",
        "stored": "",
        "more": "",
        "version": "",
        "upgrades": "",
    },
    TWO: {
        "column": "length = Integer(default=-1, null=False)",
        "setting": _HOW_LONG.format(name="hours", zh="小时", usual=24),
        "size": "row['length']",
        "needs": '("length",)',
        "hours": "ctx.settings_of(Settings).hours",
        "stored": ", length=len(given.words)",
        "more": _BATCHES,
        "version": ', version=2, migrations={1: lambda old: {"hours": old.get("days", 1) * 24}}',
        "upgrades": f'upgrades=(DataMigration("{TWO}", measured),),',
    },
}
_MIGRATIONS = {
    "01_line": "CREATE SCHEMA lamp_log; CREATE TABLE lamp_log.line ("
    "tenant_id uuid NOT NULL DEFAULT current_setting('app.tenant')::uuid,"
    " id uuid NOT NULL DEFAULT core.uuid7(), created_at timestamptz NOT NULL DEFAULT now(),"
    " updated_at timestamptz NOT NULL DEFAULT now(), version integer NOT NULL DEFAULT 1,"
    " words text NOT NULL DEFAULT '')",
    "02_length": "ALTER TABLE lamp_log.line ADD COLUMN length integer NOT NULL DEFAULT -1",
}


def install(folder: Path, version: str) -> Path:
    """Install a release into an empty folder, which is the answer."""
    package = folder / version / PACKAGE
    migrations = package / "migrations"
    migrations.mkdir(parents=True)
    for file in (package / "__init__.py", migrations / "__init__.py"):
        file.touch()
    (package / "plugin.toml").write_text(_MANIFEST.format(version=version), encoding="utf-8")
    (package / "plugin.py").write_text(_CODE.format(**_PARTS[version]), encoding="utf-8")
    shipped = {name: sql for name, sql in _MIGRATIONS.items() if version == TWO or "line" in name}
    for name, sql in shipped.items():
        file = migrations / f"{PACKAGE}_2026_11_22t00_00_00_{name}.sql"
        file.write_text(sql, encoding="utf-8")
    told = folder / version / f"{PACKAGE}-{version}.dist-info"
    told.mkdir()
    metadata = f"Metadata-Version: 2.1\nName: {ID}\nVersion: {version}\n"
    (told / "METADATA").write_text(metadata, encoding="utf-8")
    points = f"[jingwei.plugins]\n{ID} = {PACKAGE}.plugin:plugin\n"
    (told / "entry_points.txt").write_text(points, encoding="utf-8")
    return folder / version


def path_with(folder: Path) -> dict[str, str]:
    """The environment of a process that has what is installed there."""
    known = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(filter(None, (str(folder), known)))}
