"""The evidence of a test (测试证据)."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from jingwei_api.testing.cities import KitCaller, KitCity
from jingwei_api.testing.photos import committed_photo
from jingwei_core.evidence.keys import Area, area_prefix
from jingwei_core.platform import Platform


@dataclass(frozen=True, slots=True)
class PhotoBox:
    """The photos of one test, in a store of its own."""

    platform: Platform

    async def photo(self, caller: KitCaller, *, data: bytes = b"") -> uuid.UUID:
        """See the kit's contract."""
        caller.city.has_acted = True
        return await committed_photo(self.platform, caller.city.tenant, caller.account_id, data)

    async def keys(self, city: KitCity) -> Sequence[str]:
        """See the kit's contract."""
        await self.platform.store.ensure_ready()
        found = []
        for area in Area:
            listed = await self.platform.store.list_prefix(area_prefix(city.tenant.id, area))
            found += [one.key for one in listed]
        return found
