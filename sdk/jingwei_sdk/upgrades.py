"""Data migrations of a plugin (数据升级): what moves a tenant's rows from one version to the next.

They run for each tenant when its plugin is upgraded, after the tables have been migrated for all.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

from jingwei_sdk.context import Context
from jingwei_sdk.errors import Refused


@dataclass(frozen=True, slots=True)
class DataMigration:
    """Rows stored by versions before ``to_version`` are brought there by ``run(ctx)``.

    It works in batches: each call does one, in a transaction of its own, and answers how many rows
    it changed; it is called until that is 0, and after an interruption it goes on where it stood.
    Raises ``Refused`` (``UPGRADE_VERSION``) for a version that is none.
    """

    to_version: str
    run: Callable[[Context], Awaitable[int]]
    description: str = ""

    def __post_init__(self) -> None:
        try:
            Version(self.to_version)
        except InvalidVersion as error:
            raise Refused("UPGRADE_VERSION", version=self.to_version) from error
