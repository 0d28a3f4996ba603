"""Plugin packages written into a folder, for tests to break."""

from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from pathlib import Path

from jingwei_sdk.plugin import ENTRY_POINT_GROUP

MANIFEST = """\
id = "{id}"
version = "1.0.0"
sdk = ">=0.1,<1"
name_zh = "许可"
name_en = "Permits"
description_zh = "许可"
description_en = "Permits"
licence = "Apache-2.0"
permissions = [{{ code = "permit.read", zh = "查看", en = "Read" }}]
"""
CODE = """\
import msgspec
from piccolo.columns import Text
from jingwei_sdk.commands import command
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import Computed, Extension, Record, TenantWide
from jingwei_sdk.tables import TenantFK, TenantTable


class Permit(TenantTable, tablename="permit", schema="{schema}"):
    code = Text()


PERMIT = Record(Permit, read="permit.read", scope=(TenantWide(),))


async def of_each(ctx, rows):
    return [0 for _ in rows]


plugin = Plugin(id="{id}", package="{package}", tables=(Permit,), records=(PERMIT,))
"""


@dataclass
class Package:
    """One package; each part may be replaced before it is written."""

    id: str = "permits"
    manifest: str | None = None
    code: str | None = None
    messages: str = ""
    entry: str = ""
    point: str = ""
    group: str = ENTRY_POINT_GROUP
    extra: str = ""
    files: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> EntryPoint:
        """The package in ``folder``, which has to be on the module path; its entry point."""
        name = f"broken_{folder.name}_{self.id}".replace("-", "_")
        package = folder / name
        package.mkdir()
        schema = self.id.replace("-", "_")
        (package / "__init__.py").touch()
        manifest = MANIFEST.format(id=self.id) if self.manifest is None else self.manifest
        if manifest:
            (package / "plugin.toml").write_text(manifest, encoding="utf-8")
        code = CODE.format(id=self.id, package=name, schema=schema)
        (package / "plugin.py").write_text(
            (self.code if self.code is not None else code) + self.extra, encoding="utf-8"
        )
        if self.messages:
            (package / "messages.toml").write_text(self.messages, encoding="utf-8")
        value = self.entry or f"{name}.plugin:plugin"
        return EntryPoint(self.point or self.id, value, self.group)
