"""Two sites that begin alike, with a scene for every command."""

from collections.abc import AsyncIterator, Mapping
from functools import partial
from urllib.parse import urlsplit

import pytest
from argon2 import PasswordHasher

from jingwei_core.access import passwords
from jingwei_core.contribution import core_contribution, core_manifest
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_core.plugins.host import PluginHost, discover
from tests.faults.rows import Comparing
from tests.faults.scenes import acts_of
from tests.faults.scenes_plugin import FAULTY
from tests.faults.site import Act, site_of
from tests.faults.trial import Twins
from tests.servers.databases import NewDatabase, TestRun, copied_database

Scene = tuple[Twins, Mapping[str, list[Act]]]


@pytest.fixture(scope="module")
async def scene(
    test_run: TestRun, new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    """The twins, and the acts by the name of their command."""
    host = PluginHost(core_contribution(), [*discover(), FAULTY], core_manifest=core_manifest())
    folder = tmp_path_factory.mktemp("faults")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(1, 8, 1))
        async with ImageWorkers(processes=1) as workers, new_database() as given:
            async with site_of(given, host, folder / "first") as first:
                acts = await acts_of(first, folder, workers)
                beginning, crooked = await first.book.rows(), await first.book.crooked()
            name = urlsplit(str(given.database_url)).path.strip("/")
            alike = partial(copied_database, test_run, name)
            kept = first.settings.data_dir
            async with (
                alike() as one,
                alike() as other,
                site_of(one, host, folder / "straight", kept) as straight,
                site_of(other, host, folder / "broken", kept) as broken,
            ):
                yield Twins(straight, broken, Comparing(beginning), crooked), acts
