"""Reading the files of a tenant package: encodings, CSV tables and TOML values, none trusted.

A byte order mark and CRLF are tolerated, text is brought to Unicode NFC; whatever else is wrong is
noted with its place, and reading goes on.
"""

import csv
import io
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from jingwei_core.tenants.package_problems import Findings
from jingwei_sdk.errors import Invalid

MAX_FILE_BYTES = 16 * 1024 * 1024
"""No file of a package may be larger: a whole prefecture is under 1 MiB."""

CODE = re.compile(r"[a-z0-9]+(?:[-_.][a-z0-9]+)*")
"""Codes of our own making: lower case, digits, joined by ``-``, ``_`` or ``.``."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,12}", re.ASCII)
_DECIMAL = re.compile(r"-?\d{1,12}(?:\.\d{1,12})?", re.ASCII)

Choice = TypeVar("Choice", bound=StrEnum)
Rules = TypeVar("Rules")


@dataclass(frozen=True, slots=True)
class PackageFolder:
    """A package folder being read, with the findings so far."""

    path: Path
    findings: Findings

    def text(self, file: str) -> str | None:
        """The NFC text of ``file``, or none with the reason noted."""
        path = self.path / file
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                self.findings.problem(
                    "PACKAGE_FILE_TOO_LARGE", file, None, None, limit=MAX_FILE_BYTES
                )
                return None
            raw = path.read_bytes()
        except FileNotFoundError:
            self.findings.problem("PACKAGE_FILE_MISSING", file, None, None)
            return None
        except OSError as error:
            self.findings.problem(
                "PACKAGE_FILE_UNREADABLE", file, None, None, reason=error.strerror
            )
            return None
        return self._decode(file, raw)

    def _decode(self, file: str, raw: bytes) -> str | None:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            row = raw.count(b"\n", 0, error.start) + 1
            guess = "GB18030" if _is_gb18030(raw) else "?"
            self.findings.problem("PACKAGE_ENCODING", file, row, None, guess=guess)
            return None
        if "\x00" in text:
            row = text.count("\n", 0, text.index("\x00")) + 1
            self.findings.problem("PACKAGE_NUL", file, row, None)
            return None
        return unicodedata.normalize("NFC", text)

    def names(self, folder: str, suffix: str) -> list[str]:
        """Files of ``folder`` ending in ``suffix``, in name order, as paths inside the package."""
        base = self.path / folder
        try:
            found = [path.name for path in base.iterdir() if path.match("*" + suffix)]
        except OSError:
            self.findings.problem("PACKAGE_FILE_MISSING", folder, None, None)
            return []
        return sorted(f"{folder}/{name}" for name in found)

    def toml(self, file: str) -> "Section | None":
        """The TOML of ``file``, or none with the reason noted."""
        text = self.text(file)
        if text is None:
            return None
        try:
            values = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
            self.findings.problem("PACKAGE_TOML", file, None, None, reason=error)
            return None
        return Section(file, "", values, self.findings)

    def rules(
        self, file: str, read: Callable[[Mapping[str, object]], Rules], code: str
    ) -> "tuple[Section, Rules] | None":
        """What ``read`` makes of the TOML of ``file``, with the TOML for further refusals; none
        where the file is absent, or is refused, by ``code`` what ``read`` raises ``Invalid`` for.
        """
        document = self.toml(file) if (self.path / file).exists() else None
        if document is None:
            return None
        try:
            return document, read(document.values)
        except Invalid as error:
            cause = error.params["cause"]
            document.refuse(code, error.field or "", reason=cause, cause=cause)
            return None

    def table(self, file: str, columns: tuple[str, ...]) -> "list[Record]":
        """The records of a CSV ``file`` whose header must name ``columns``, in any order."""
        text = self.text(file)
        if text is None:
            return []
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            lines = list(reader)
        except csv.Error as error:
            self.findings.problem("PACKAGE_CSV", file, reader.line_num, None, reason=str(error))
            return []
        header = [name.strip() for name in lines[0]] if lines else []
        if not self._check_header(file, header, columns):
            return []
        return [
            record
            for row, cells in enumerate(lines[1:], start=2)
            if (record := self._record(file, row, header, cells)) is not None
        ]

    def _check_header(self, file: str, header: list[str], columns: tuple[str, ...]) -> bool:
        missing = [name for name in columns if name not in header]
        unknown = [name for name in header if name not in columns]
        for name in missing:
            self.findings.problem("PACKAGE_COLUMN_MISSING", file, 1, name)
        for name in unknown:
            self.findings.problem("PACKAGE_COLUMN_UNKNOWN", file, 1, name)
        twice = len(set(header)) != len(header)
        if twice:
            self.findings.problem("PACKAGE_COLUMN_TWICE", file, 1, None)
        return not (missing or unknown or twice)

    def _record(self, file: str, row: int, header: list[str], cells: list[str]) -> "Record | None":
        if not any(cell.strip() for cell in cells):
            return None
        if len(cells) != len(header):
            self.findings.problem(
                "PACKAGE_CELL_COUNT", file, row, None, expected=len(header), found=len(cells)
            )
            return None
        values = {name: cell.strip() for name, cell in zip(header, cells, strict=True)}
        return Record(file, row, values, self.findings)


@dataclass(slots=True)
class Record:
    """A record of a CSV table. Readers note what is wrong and give a stand-in of the right type."""

    file: str
    row: int
    cells: Mapping[str, str]
    findings: Findings
    is_sound: bool = True
    """False once anything about the record was refused."""

    def refuse(self, code: str, name: str | None, **params: object) -> None:
        """Note a problem of this record."""
        self.is_sound = False
        self.findings.problem(code, self.file, self.row, name, **params)

    def optional(self, name: str) -> str:
        """The cell, perhaps empty."""
        return self.cells[name]

    def text(self, name: str) -> str:
        """The cell, which must not be empty."""
        value = self.cells[name]
        if not value:
            self.refuse("PACKAGE_VALUE_MISSING", name)
        return value

    def code(self, name: str) -> str:
        """A code of our own making."""
        value = self.text(name)
        if value and not CODE.fullmatch(value):
            self.refuse("PACKAGE_CODE_FORM", name, value=value)
        return value

    def integer(self, name: str, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self.text(name)
        if value and not (_INTEGER.fullmatch(value) and low <= int(value) <= high):
            self.refuse("PACKAGE_NUMBER", name, value=value, low=low, high=high)
        return int(value) if _INTEGER.fullmatch(value) else low

    def integer_or_none(self, name: str, low: int, high: int) -> int | None:
        """A whole number, or none when the cell is empty."""
        return self.integer(name, low, high) if self.cells[name] else None

    def decimal(self, name: str, low: Decimal, high: Decimal) -> Decimal:
        """A plain decimal number from ``low`` to ``high``."""
        value = self.text(name)
        number = Decimal(value) if _DECIMAL.fullmatch(value) else None
        if number is not None and low <= number <= high:
            return number
        if value:
            self.refuse("PACKAGE_NUMBER", name, value=value, low=low, high=high)
        return low

    def choice(self, name: str, choices: type[Choice]) -> Choice:
        """One of the values of an enumeration."""
        value = self.text(name)
        members = list(choices)
        if value in members:
            return choices(value)
        if value:
            self.refuse("PACKAGE_CHOICE", name, value=value, choices=", ".join(members))
        return members[0]

    def is_yes(self, name: str) -> bool:
        """True for ``y``, false for ``n``."""
        value = self.text(name)
        if value and value not in ("y", "n"):
            self.refuse("PACKAGE_CHOICE", name, value=value, choices="y, n")
        return value == "y"

    def day(self, name: str) -> date:
        """A calendar date, ``2026-01-31``."""
        value = self.text(name)
        parsed = parse_day(value)
        if value and parsed is None:
            self.refuse("PACKAGE_DATE", name, value=value)
        return parsed or date.min

    def day_or_none(self, name: str) -> date | None:
        """A calendar date, or none when the cell is empty."""
        return self.day(name) if self.cells[name] else None


@dataclass(slots=True)
class Section:
    """A TOML table. Readers note what is wrong and give a stand-in of the right type."""

    file: str
    path: str
    values: Mapping[str, object]
    findings: Findings
    is_sound: bool = True

    def refuse(self, code: str, name: str, **params: object) -> None:
        """Note a problem of a key of this table."""
        self.is_sound = False
        self.findings.problem(code, self.file, None, self._name(name), **params)

    def _name(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def text(self, name: str) -> str:
        """A non-empty string."""
        value = self.values.get(name)
        if isinstance(value, str) and value.strip():
            return value.strip()
        self.refuse(
            "PACKAGE_VALUE_MISSING" if value in (None, "") else "PACKAGE_TYPE",
            name,
            expected="string",
        )
        return ""

    def optional(self, name: str) -> str:
        """A string, empty when absent."""
        return self.text(name) if self.values.get(name, "") != "" else ""

    def code(self, name: str) -> str:
        """A code of our own making."""
        value = self.text(name)
        if value and not CODE.fullmatch(value):
            self.refuse("PACKAGE_CODE_FORM", name, value=value)
        return value

    def check_codes(self, name: str, codes: Iterable[str]) -> None:
        """Refuse codes of an array of tables that are not of our form, or are there twice."""
        seen: set[str] = set()
        for number, code in enumerate(codes, start=1):
            at = f"{name}[{number}].code"
            if not CODE.fullmatch(code):
                self.refuse("PACKAGE_CODE_FORM", at, value=code)
            if code in seen:
                self.refuse("PACKAGE_DUPLICATE", at, value=code)
            seen.add(code)

    def integer(self, name: str, low: int, high: int) -> int:
        """A whole number from ``low`` to ``high``."""
        value = self.values.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.refuse("PACKAGE_NUMBER", name, value=value, low=low, high=high)
        return low

    def integer_or_none(self, name: str, low: int, high: int) -> int | None:
        """A whole number, or none when absent."""
        return self.integer(name, low, high) if name in self.values else None

    def is_on(self, name: str) -> bool:
        """A boolean; it must be there."""
        value = self.values.get(name)
        if not isinstance(value, bool):
            self.refuse("PACKAGE_TYPE", name, expected="boolean")
        return value is True

    def texts(self, name: str) -> tuple[str, ...]:
        """An array of non-empty strings; empty when absent."""
        value = self.values.get(name, [])
        if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
            return tuple(value)
        self.refuse("PACKAGE_TYPE", name, expected="array of strings")
        return ()

    def choice(self, name: str, choices: type[Choice]) -> Choice:
        """One of the values of an enumeration."""
        value = self.values.get(name)
        members = list(choices)
        if isinstance(value, str) and value in members:
            return choices(value)
        self.refuse("PACKAGE_CHOICE", name, value=value, choices=", ".join(members))
        return members[0]

    def section(self, name: str) -> "Section":
        """A nested table; empty when absent or not a table (noted)."""
        value = self.values.get(name)
        if not isinstance(value, dict):
            self.refuse("PACKAGE_TYPE", name, expected="table")
            value = {}
        return Section(self.file, self._name(name), value, self.findings)

    def sections(self, name: str) -> "list[Section]":
        """An array of tables; empty when absent."""
        value = self.values.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.refuse("PACKAGE_TYPE", name, expected="array of tables")
            return []
        return [
            Section(self.file, f"{self._name(name)}[{position}]", item, self.findings)
            for position, item in enumerate(value, start=1)
        ]

    def day(self, name: str) -> date:
        """A TOML local date."""
        value = self.values.get(name)
        if type(value) is date:
            return value
        self.refuse("PACKAGE_DATE", name, value=value)
        return date.min


def parse_day(value: str) -> date | None:
    """The date written ``2026-01-31``, or none for any other text."""
    if not _DATE.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def _is_gb18030(raw: bytes) -> bool:
    try:
        raw.decode("gb18030")
    except UnicodeDecodeError:
        return False
    return True
