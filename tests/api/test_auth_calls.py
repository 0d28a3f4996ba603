"""How often an address has called is forgotten when it does not count any more."""

import asyncio
from contextlib import suppress

from litestar.stores.memory import MemoryStore

from jingwei_api.http.auth import forget_calls


async def test_an_address_that_is_quiet_takes_no_memory() -> None:
    calls = MemoryStore()
    await calls.set("192.0.2.1", b"once", expires_in=-1)
    await calls.set("192.0.2.2", b"just now", expires_in=60)

    with suppress(TimeoutError):
        await asyncio.wait_for(forget_calls(calls, every_s=0.01), 0.2)

    assert list(calls._store) == ["192.0.2.2"]
