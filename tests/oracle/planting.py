"""A random city: a tree with look-alike paths, staff of every kind, and rows full of odd values."""

import json
import random
import tomllib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from jingwei_core.database.unit import Unit
from jingwei_sdk.tables import TenantTable
from tests.oracle.odd import DAYS, FORMS, INSTANTS, NOW, TEXTS

T = TypeVar("T")
STANDARD = Path(__file__).resolve().parents[2] / "tenants/yichang/events/workflows/standard.toml"
LEVELS = ("city", "street", "grid", "building")
LONG_AGO, YESTERDAY, TOMORROW = (NOW + timedelta(days=days) for days in (-300, -1, 1))
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass
class City:
    """A tenant while it is planted: ids and paths by what they are of."""

    tenant: uuid.UUID
    slug: str
    chance: random.Random
    ids: dict[str, list[uuid.UUID]] = field(default_factory=dict)
    paths: dict[uuid.UUID, str] = field(default_factory=dict)
    staff: dict[str, uuid.UUID] = field(default_factory=dict)
    numbers: int = 0
    unit: Unit = field(init=False)

    def new_id(self) -> uuid.UUID:
        """A random id."""
        return uuid.UUID(int=self.chance.getrandbits(128), version=4)

    def any_of(self, kind: str) -> uuid.UUID:
        """A row of a table."""
        return self.chance.choice(self.ids[kind])

    def maybe(self, value: T, share: float = 0.7) -> T | None:
        """The value, or now and then nothing."""
        return value if self.chance.random() < share else None

    def text(self) -> str:
        """An odd text, now and then two of them."""
        one = self.chance.choice(TEXTS)
        return one if self.chance.random() < 0.7 else one + self.chance.choice(TEXTS)

    def some(self, values: Sequence[T]) -> T:
        """One of the values."""
        return self.chance.choice(values)

    def unique(self, text: str) -> str:
        """The text made unique."""
        self.numbers += 1
        return f"{text}#{self.numbers}"

    async def plant(self, table: type[TenantTable], **values: Any) -> uuid.UUID:
        """Insert a row."""
        row_id: uuid.UUID = values.setdefault("id", self.new_id())
        values.setdefault("created_at", self.some(INSTANTS))
        values.setdefault("updated_at", self.some(INSTANTS))
        values.setdefault("version", self.chance.randint(1, 3))
        kept = {
            name: json.dumps(value) if isinstance(value, (dict, _Json)) else value
            for name, value in values.items()
        }
        names = ", ".join(f'"{name}"' for name in kept)
        marks = ", ".join(f"${number}" for number in range(1, len(kept) + 1))
        where = f'"{table._meta.schema}"."{table._meta.tablename}"'
        await self.unit.execute(f"INSERT INTO {where} ({names}) VALUES ({marks})", *kept.values())
        self.ids.setdefault(table.__name__, []).append(row_id)
        return row_id


class _Json(list[Any]):
    """A list that is stored as JSON and not as an array."""


def json_list(*values: Any) -> list[Any]:
    """A list for a JSON column."""
    return _Json(values)


def label(ordinal: int) -> str:
    """An ordinal as a path spells it."""
    text = ""
    while ordinal:
        ordinal, digit = divmod(ordinal, 36)
        text = DIGITS[digit] + text
    return text


def phone(chance: random.Random) -> str | None:
    """A phone number, or something that is none."""
    number = f"1{chance.randrange(10**10):010}"
    return chance.choice([None, "", "12345", "转 8001", number, number, "+86 " + number])


def days(chance: random.Random) -> tuple[date, date | None]:
    """A first day and perhaps a first day after."""
    begin, end = sorted(chance.sample(DAYS, 2))
    return begin, chance.choice([None, None, end])


def moment(chance: random.Random) -> datetime:
    """One of few instants."""
    return chance.choice(INSTANTS)


def workflow(version: int) -> dict[str, Any]:
    """The standard workflow in a version."""
    told = tomllib.loads(STANDARD.read_text(encoding="utf-8"))
    return {**told, "version": version}


__all__ = ["FORMS", "City"]
