"""Piccolo's statements inside the unit of work of a migration (Piccolo 语句), and nowhere else.

Piccolo's own engine connects when it is made, treats nested transactions as none, loses connections
when COMMIT fails, and opens new connections beside the transaction. This one has no connection at
all: a migration's statement goes through the unit that is open in the task. In the unit of a tenant
every statement is refused: it would pass by the audit trail, and raw text of a plugin by the check
that its SQL goes through.
"""

import os
import sys
from contextlib import AbstractAsyncContextManager
from types import ModuleType
from typing import Any

from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
from piccolo.querystring import QueryString

from jingwei_core.database.errors import NoTenantBound
from jingwei_core.database.unit import Unit, current_unit
from jingwei_sdk.errors import Refused

_CONF_MODULE = "jingwei_piccolo_conf"


def _direct_unit() -> Unit:
    """The unit of a migration; raises ``NoTenantBound`` outside any, ``Refused``
    (``PICCOLO_STATEMENT_REFUSED``) in another one."""
    unit = current_unit()
    if not unit.is_direct:
        raise Refused("PICCOLO_STATEMENT_REFUSED")
    return unit


class UnitTransaction(PostgresTransaction):
    """What Piccolo calls a transaction: a savepoint of a migration's unit."""

    def __init__(self, engine: "TenantEngine") -> None:
        self.engine = engine
        self._scope: AbstractAsyncContextManager[Unit] | None = None

    async def __aenter__(self) -> "UnitTransaction":
        self._scope = _direct_unit().savepoint()
        self.connection = (await self._scope.__aenter__()).connection
        return self

    async def __aexit__(self, exception_type: Any, exception: Any, traceback: Any) -> bool:
        if self._scope is None:
            raise NoTenantBound
        await self._scope.__aexit__(exception_type, exception, traceback)
        return False


class TenantEngine(PostgresEngine):
    """The one engine of all tables; it holds no connection and no state."""

    def __init__(self) -> None:
        super().__init__(config={})

    async def check_version(self) -> None:
        """Nothing: the database room checks the version when it connects."""

    async def prep_database(self) -> None:
        """Nothing: the platform needs no extension."""

    async def get_new_connection(self) -> Any:
        """Refused: connections come from units of work only."""
        raise NoTenantBound

    async def start_connection_pool(self, **kwargs: Any) -> None:
        """Refused: the pool belongs to ``Database``."""
        raise Refused("ENGINE_FEATURE_REFUSED", feature="start_connection_pool")

    async def batch(self, query: Any, batch_size: int = 100, node: str | None = None) -> Any:
        """Refused: Piccolo would read outside the transaction. Page by key instead."""
        raise Refused("ENGINE_FEATURE_REFUSED", feature="batch")

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> list[Any]:
        """The rows, through the unit of a migration; raises ``NoTenantBound``, ``Refused``."""
        unit = _direct_unit()
        sql, arguments = querystring.compile_string(engine_type=self.engine_type)
        return await unit.fetch(sql, *arguments)

    async def run_ddl(self, ddl: str, in_pool: bool = True) -> list[Any]:
        """Run one statement through the unit of a migration; raises as a query does."""
        return await _direct_unit().fetch(ddl)

    def transaction(self, allow_nested: bool = True) -> UnitTransaction:
        """A savepoint of the unit of a migration."""
        return UnitTransaction(self)

    def transaction_exists(self) -> bool:
        """Whether a unit is open in this task."""
        try:
            current_unit()
        except NoTenantBound:
            return False
        return True


class _Conf(ModuleType):
    """What Piccolo is configured by."""

    def __getattr__(self, name: str) -> Any:
        """The list of apps, which brings a code formatter with it: for migrations only."""
        if name != "APP_REGISTRY":
            raise AttributeError(name)
        from piccolo.conf.apps import AppRegistry

        return AppRegistry()


def install_engine() -> TenantEngine:
    """Let Piccolo find our engine; the same one each time it is called in a process.

    Piccolo looks its engine up by the module named in ``PICCOLO_CONF``; a module made here keeps
    the platform independent of the folder it is started from.
    """
    module = sys.modules.get(_CONF_MODULE)
    if module is None:
        module = _Conf(_CONF_MODULE)
        module.__dict__.update(DB=TenantEngine())
        sys.modules[_CONF_MODULE] = module
    os.environ["PICCOLO_CONF"] = _CONF_MODULE
    engine = module.__dict__["DB"]
    assert isinstance(engine, TenantEngine)
    return engine
