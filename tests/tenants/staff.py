"""Roles, accounts and posts of a tenant of the tests, whatever else its city can do."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

HELD_SINCE = datetime(2026, 1, 1, tzinfo=UTC)
"""From when a post is held where a test does not say; before every clock of the tests."""


class Tenancy(Protocol):
    """A city of the tests: one statement for one value, and its accounts by login."""

    people: dict[str, uuid.UUID]

    async def value(self, sql: str, *args: object) -> Any: ...


async def add_role(city: Tenancy, code: str, permissions: Sequence[str]) -> uuid.UUID:
    """A role; its id."""
    found: uuid.UUID = await city.value(
        "INSERT INTO core.role (code, name, permissions) VALUES ($1, $1, $2) RETURNING id",
        code,
        list(permissions),
    )
    return found


async def add_account(city: Tenancy, login: str) -> uuid.UUID:
    """An account without a password and without a post, among ``people``; its id."""
    city.people[login] = await city.value(
        "INSERT INTO core.account (login, name) VALUES ($1, $1) RETURNING id", login
    )
    return city.people[login]


async def add_post(
    city: Tenancy, login: str, role: uuid.UUID, place: uuid.UUID, **columns: object
) -> uuid.UUID:
    """A post of the account, since ``HELD_SINCE`` where no ``valid_from`` is given; its id."""
    values = {"account": city.people[login], "role": role, "place_id": place, **columns}
    values.setdefault("valid_from", HELD_SINCE)
    marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    found: uuid.UUID = await city.value(
        f"INSERT INTO core.post ({', '.join(values)}) VALUES ({marks}) RETURNING id",
        *values.values(),
    )
    return found


async def employ(
    city: Tenancy, login: str, role: uuid.UUID, place: uuid.UUID, **columns: object
) -> uuid.UUID:
    """An account with a post (``columns`` are the post's); the account's id."""
    account = await add_account(city, login)
    await add_post(city, login, role, place, **columns)
    return account
