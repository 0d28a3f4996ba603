"""Plugin packages made by number, as a wheel leaves them: for measuring what many plugins cost."""

from pathlib import Path

from tests.api import generated

_MANIFEST = """\
id = "made{0}"
version = "1.0.0"
sdk = ">=1.0,<2"
name_zh = "生成的插件{0}"
name_en = "Made {0}"
description_zh = "三张表、一个命令、一个钩子"
description_en = "Three tables, a command, a hook"
licence = "Apache-2.0"
graphql_prefix = "Made{0}"
permissions = [
    {{ code = "made{0}.read", zh = "查看", en = "Read" }},
    {{ code = "made{0}.write", zh = "登记", en = "Enter" }},
]
"""
_CODE = """\
from dataclasses import replace

from jingwei_sdk.context import Context
from jingwei_sdk.hook_specs import before_event_transition
from jingwei_sdk.payloads import EventTransition, Veto
from jingwei_sdk.plugin import Job
from {1} import generated


@before_event_transition
def look(ctx: Context, given: EventTransition) -> Veto | None:
    return None


async def nightly(ctx, payload):
    return None


plugin = replace(
    generated({0}),
    package="made_package_{0}",
    hooks=(look,),
    jobs=(Job("made{0}.nightly", nightly, schedule="30 2 * * *"),),
)
"""


def write_packages(folder: Path, count: int) -> None:
    """So many packages in a folder that will be on the path of a process."""
    for number in range(count):
        package = folder / f"made_package_{number}"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "plugin.toml").write_text(_MANIFEST.format(number), encoding="utf-8")
        code = _CODE.format(number, generated.__name__)
        (package / "plugin.py").write_text(code, encoding="utf-8")
        told = folder / f"{package.name}-1.0.0.dist-info"
        told.mkdir()
        metadata = f"Metadata-Version: 2.1\nName: {package.name}\nVersion: 1.0.0\n"
        (told / "METADATA").write_text(metadata, encoding="utf-8")
        point = f"[jingwei.plugins]\nmade{number} = {package.name}.plugin:plugin\n"
        (told / "entry_points.txt").write_text(point, encoding="utf-8")
