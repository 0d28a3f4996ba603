"""Databases of their own for tests that commit and outlive one test."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jingwei_core.database.engine import connect
from jingwei_core.settings import Settings
from tests.conftest import TestRun


@asynccontextmanager
async def copied_database(run: TestRun, template: str) -> AsyncIterator[Settings]:
    """The settings of a fresh copy of the migrated template; it is dropped at the end."""
    name = f"{run.name}_{secrets.token_hex(6)}"
    connection = await connect(run.url)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield run.settings(name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()
