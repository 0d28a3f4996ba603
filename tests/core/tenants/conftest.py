"""A platform over the test's database, and a small package with nothing of a plugin in it."""

from pathlib import Path

import pytest

from jingwei_core.database.engine import Database
from jingwei_core.platform import Platform, assemble
from tests.tenants.small_package import write_package


@pytest.fixture
def platform(database: Database) -> Platform:
    return assemble(database)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written = write_package(tmp_path / "small")
    (written / "plugins.toml").write_text("plugins = []\n", encoding="utf-8")
    return written
