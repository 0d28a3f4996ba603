"""A platform over the test's database, and a small package with nothing of a plugin in it."""

from pathlib import Path

import pytest

from jingwei_core.database.engine import Database
from jingwei_core.platform import Platform, assemble
from tests.tenants.small_package import write_plain_package


@pytest.fixture
def platform(database: Database) -> Platform:
    return assemble(database)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_plain_package(tmp_path / "small")
