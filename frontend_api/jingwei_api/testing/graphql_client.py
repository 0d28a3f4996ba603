"""GraphQL in the process of the test: the executor of the API, without the wire before it."""

import uuid
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from graphql import GraphQLSchema

from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.executor import Executor
from jingwei_api.execution.operation import Caller as ApiCaller
from jingwei_api.execution.operation import Document, Runtime
from jingwei_api.schema import global_id
from jingwei_api.settings import ApiSettings
from jingwei_api.testing.cities import REQUEST, KitCaller, KitCity
from jingwei_core.platform import Platform


class KitClient:
    """Asks for accounts of any city; made once a run, for the schemas it keeps."""

    def __init__(self, platform: Platform) -> None:
        # Subscriptions and uploads in parts have no place in the one transaction of a test.
        runtime = Runtime(platform, cast(Any, None), cast(Any, None))
        self._platform = platform
        platform.catalogue.load(Path(str(files("jingwei_api"))) / "messages.toml")
        self._executor = Executor(runtime, ApiSettings(), ErrorTexts(platform.catalogue))

    async def schema(self, city: KitCity) -> GraphQLSchema:
        """The schema that the city has now."""
        registry = await self._platform.registry(city.tenant.id)
        return await self._executor.schema(registry)

    async def asked(
        self, caller: KitCaller, query: str, variables: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The whole answer, without counting it as an act of the test."""
        who = ApiCaller(caller.city.tenant, caller.identity, REQUEST)
        answer = await self._executor.run(who, Document(query, variables))
        return answer.body

    def id(self, record: str, row_id: uuid.UUID) -> str:
        """See the kit's contract."""
        return global_id.encode(record, row_id)

    async def ask(self, caller: KitCaller, query: str, **variables: object) -> Mapping[str, Any]:
        """See the kit's contract."""
        caller.city.has_acted = True
        return await self.asked(caller, query, variables)

    async def data(self, caller: KitCaller, query: str, **variables: object) -> Mapping[str, Any]:
        """See the kit's contract."""
        told = await self.ask(caller, query, **variables)
        assert "errors" not in told, told["errors"]
        data: Mapping[str, Any] = told["data"]
        return data

    async def error(self, caller: KitCaller, query: str, **variables: object) -> Mapping[str, Any]:
        """See the kit's contract."""
        told = await self.ask(caller, query, **variables)
        errors: list[Mapping[str, Any]] = told.get("errors", [])
        assert len(errors) == 1, told
        return errors[0]
