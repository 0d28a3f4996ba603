"""What is wrong with a tenant package, told with file, row and field in both languages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from jingwei_core.tenants.package_model import PackageWarning
from jingwei_sdk.errors import Invalid
from jingwei_sdk.messages import Catalogue

MAX_TOLD = 200
"""Longest piece of a package that a message repeats."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason why a package is refused. ``row`` counts lines of records, the header is row 1."""

    file: str
    row: int | None
    field: str | None
    code: str
    message_zh: str
    message_en: str
    next_step_zh: str
    next_step_en: str

    def __str__(self) -> str:
        """``file:row [field] CODE text`` in English, for logs."""
        place = self.file if self.row is None else f"{self.file}:{self.row}"
        named = f" [{self.field}]" if self.field else ""
        return f"{place}{named} {self.code} {self.message_en}"


class PackageInvalid(Invalid):
    """The package breaks rules (数据包不合规): ``problems`` holds every one that was found."""

    def __init__(self, folder: Path, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("PACKAGE_INVALID", package=folder.name, count=len(self.problems))

    def __str__(self) -> str:
        """All problems, one a line."""
        return "\n".join([super().__str__(), *map(str, self.problems)])


@dataclass(slots=True)
class Findings:
    """Collects problems and warnings while a package is read."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[PackageWarning] = field(default_factory=list)

    def problem(
        self, code: str, file: str, row: int | None, name: str | None, **params: object
    ) -> None:
        """Note a reason for refusal. ``params`` fill the catalogue's text."""
        values = _told(params) | {"file": file, "row": row, "field": name}
        zh = _catalogue().message(code, "zh", values)
        en = _catalogue().message(code, "en", values)
        self.problems.append(
            Problem(file, row, name, code, zh.text, en.text, zh.next_step, en.next_step)
        )

    def warning(
        self, code: str, file: str, row: int | None, name: str | None, **params: object
    ) -> None:
        """Note something unusual that does not stop the package."""
        values = _told(params) | {"file": file, "row": row, "field": name}
        zh = _catalogue().message(code, "zh", values)
        en = _catalogue().message(code, "en", values)
        self.warnings.append(PackageWarning(file, row, name, code, zh.text, en.text))


def _told(params: Mapping[str, object]) -> dict[str, object]:
    return {name: _short(value) for name, value in params.items()}


def _short(value: object) -> str:
    try:
        text = str(value)
    except ValueError:  # an integer beyond Python's limit for decimal text
        return "…"
    return text if len(text) <= MAX_TOLD else text[:MAX_TOLD] + "…"


@cache
def _catalogue() -> Catalogue:
    catalogue = Catalogue()
    here = Path(__file__)
    catalogue.load(here.with_name("messages.toml"))
    for room in ("events", "meetings", "ledgers"):
        catalogue.load(here.parents[1] / room / "messages.toml")
    return catalogue
