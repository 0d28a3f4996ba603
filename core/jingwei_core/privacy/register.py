"""The privacy register (个人信息处理登记): every personal field of the core and of the plugins.

It is read from the declarations that the platform itself obeys, so it cannot say anything else than
what is done (PIPL articles 17, 51 and 54).
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from jingwei_core.privacy.declarations import tables_of
from jingwei_sdk.plugin import Plugin

_HEAD = """\
# 个人信息登记 · Register of personal information

What is kept about persons, by the core and by each shipped plugin: what for, on which legal basis,
how sensitive, for how long. Written by `jingwei privacy register --out docs/privacy-register.md`
from the declarations beside the tables; a test fails when this page is not current.

Sensitivity follows 个人信息保护法 (PIPL) article 28. A masked field reads as stars for everybody; a
command that asks for a purpose reveals it for 60 seconds and leaves the purpose in the audit log.
No field for religion, belief or ethnic descent exists, and a plugin that brings one is not loaded.
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One personal field (个人信息字段) and what its declaration says."""

    package: str
    table: str
    column: str
    purpose_zh: str
    purpose_en: str
    basis: str
    sensitivity: str
    retention: str
    counted_from: str
    mask: str | None
    unmasked_because: str


def register(packages: Iterable[Plugin]) -> list[Entry]:
    """Every declared personal field, in the order of packages, tables and columns."""
    return [
        Entry(
            package=package.id,
            table=f"{table._meta.schema}.{table._meta.tablename}",
            column=column,
            purpose_zh=told.purpose_zh,
            purpose_en=told.purpose_en,
            basis=told.basis,
            sensitivity=told.sensitivity.value,
            retention=told.retention,
            counted_from=told.counted_from,
            mask=told.mask.value if told.mask else None,
            unmasked_because=told.unmasked_because,
        )
        for package in packages
        for table in tables_of(package)
        for column, told in table.PERSONAL.items()
    ]


def as_rows(entries: Iterable[Entry]) -> list[Mapping[str, object]]:
    """The entries as plain rows for output."""
    return [asdict(entry) for entry in entries]


def as_page(packages: Iterable[Plugin]) -> str:
    """The register as a Markdown page, one section a package."""
    parts = [_HEAD]
    for package in packages:
        parts.append(f"\n## `{package.id}`\n")
        entries = register([package])
        if not entries:
            parts.append("\n没有个人信息字段。No field of a person.\n")
            continue
        parts.append(
            "\n| field | purpose | legal basis | sensitivity | kept for | shown |\n"
            "|---|---|---|---|---|---|\n"
        )
        parts += [_line(entry) for entry in entries]
    return "".join(parts)


def _line(entry: Entry) -> str:
    shown = f"masked: {entry.mask}" if entry.mask else f"as it is: {entry.unmasked_because}"
    cells = (
        f"`{entry.table}.{entry.column}`",
        f"{entry.purpose_zh} · {entry.purpose_en}",
        entry.basis,
        entry.sensitivity,
        f"{entry.retention} from {entry.counted_from}",
        shown,
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"
