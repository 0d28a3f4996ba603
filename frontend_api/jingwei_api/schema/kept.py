"""The schemas in use (在用模式), by enabled set: few are made, most are taken out of a whole."""

import asyncio
import gc
from collections import OrderedDict
from collections.abc import Callable

import structlog
from graphql import GraphQLSchema

from jingwei_api.schema import builder
from jingwei_api.schema.references import Declarations
from jingwei_api.schema.subset import FullSchema
from jingwei_sdk.errors import Refused

_COLLECT_EVERY = 8
"""A schema that is gone holds itself; a full collection, which a process that has settled seldom
does by itself, lets go of so many at once."""
_log = structlog.get_logger(__name__)


def _nobody(fingerprint: str) -> None:
    """Nothing hangs on a schema."""


class SchemaCache:
    """Keeps the schemas used last, at most ``size``; work happens in a thread, each at most once.

    ``whole`` answers the declarations of all plugins that can be served together; without it each
    set is made anew. ``forget`` is told the fingerprint of each schema that goes: what was worked
    out for it holds it.
    """

    def __init__(
        self,
        size: int = 16,
        whole: Callable[[], Declarations] | None = None,
        forget: Callable[[str], None] = _nobody,
    ) -> None:
        self._size = size
        self._declarations = whole
        self._forget = forget
        self._whole: asyncio.Future[FullSchema | None] | None = None
        self._gone = 0
        self._building: OrderedDict[str, asyncio.Future[GraphQLSchema]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._building)

    def built(self, registry: Declarations) -> GraphQLSchema | None:
        """The schema of a registry, if it is there."""
        found = self._building.get(registry.fingerprint)
        if found is None or not found.done() or found.cancelled() or found.exception():
            return None
        self._building.move_to_end(registry.fingerprint)
        return found.result()

    async def schema(self, registry: Declarations) -> GraphQLSchema:
        """The schema of a registry; raises what :func:`~.builder.lean_schema` raises."""
        known = self.built(registry)
        if known is not None:
            return known
        key = registry.fingerprint
        found = self._building.get(key)
        if found is None:
            found = self._building[key] = asyncio.ensure_future(self._made(registry))
            self._drop_oldest()
        try:
            # One caller that goes away must not take the schema from the others.
            return await asyncio.shield(found)
        except Exception:
            if found.done():
                self._building.pop(key, None)
            raise

    async def whole(self) -> FullSchema | None:
        """The schema of all plugins, made once; ``None`` where they cannot be served together."""
        if self._declarations is None:
            return None
        if self._whole is None:
            making = asyncio.to_thread(_whole, self._declarations)
            self._whole = asyncio.ensure_future(making)
        return await asyncio.shield(self._whole)

    async def _made(self, registry: Declarations) -> GraphQLSchema:
        whole = await self.whole()
        return await asyncio.to_thread(_schema, whole, registry)

    def _drop_oldest(self) -> None:
        while len(self._building) > self._size:
            fingerprint, _ = self._building.popitem(last=False)
            self._forget(fingerprint)
            self._gone += 1
            if self._gone % _COLLECT_EVERY == 0:
                gc.collect()


def _whole(declarations: Callable[[], Declarations]) -> FullSchema | None:
    try:
        told = declarations()
        made = FullSchema(told, builder.lean_schema(told))
    except Exception as error:  # noqa: BLE001 - declarations of a stranger may raise anything
        # Each set is then made anew, and only those that hold the faulty plugin are refused.
        reason = str(error) if isinstance(error, Refused) else type(error).__name__
        _log.error("no_whole_schema", reason=reason)
        return None
    # What it was made from holds itself, and is larger than all that is made of it afterwards.
    gc.collect()
    return made


def _schema(whole: FullSchema | None, registry: Declarations) -> GraphQLSchema:
    taken = whole.of(registry) if whole is not None else None
    return taken if taken is not None else builder.lean_schema(registry)
