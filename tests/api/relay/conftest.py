"""A tenant with rows of every record, and somebody who sees them all."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, get_named_type

from jingwei_core.settings import Settings
from tests.leak.client import Caller, signed_in
from tests.leak.conftest import served_world
from tests.servers.databases import TestRun, copied_database

OWN = ("Evidence", "LedgerSheet", "Notification", "NotificationSetting", "Reminder")
"""What is seen by its owner only, and not by who sees the rest."""


@dataclass(frozen=True)
class Relay:
    """The schema as introspection tells it, and who asks: some see only what is theirs."""

    caller: Caller
    owner: Caller
    schema: GraphQLSchema

    @property
    def objects(self) -> list[GraphQLObjectType]:
        """Every object type but those of introspection."""
        return [
            kind
            for kind in self.schema.type_map.values()
            if isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__")
        ]

    @property
    def node_types(self) -> list[GraphQLObjectType]:
        """Every type of a node."""
        node = self.schema.type_map["Node"]
        assert isinstance(node, GraphQLInterfaceType)
        return list(self.schema.get_possible_types(node))

    @property
    def lists(self) -> dict[str, str]:
        """The path of a root connection of each node type: ``safetyProduction.hazards``."""
        found: dict[str, str] = {}
        query = self.schema.query_type
        assert query is not None
        for name, field in query.fields.items():
            kind = get_named_type(field.type)
            if kind.name.endswith("Connection"):
                found.setdefault(kind.name.removesuffix("Connection"), name)
            elif kind.name.endswith("Query"):
                assert isinstance(kind, GraphQLObjectType)
                for inner, inside in kind.fields.items():
                    below = get_named_type(inside.type).name
                    if below.endswith("Connection"):
                        found.setdefault(below.removesuffix("Connection"), f"{name}.{inner}")
        return found

    async def data(self, document: str, kind: str = "", **variables: Any) -> Any:
        """The data of an operation that must succeed."""
        caller = self.owner if kind in OWN else self.caller
        heard = await caller.ask(document, variables)
        assert "errors" not in heard.body, heard.text
        return heard.body["data"]

    async def page(self, kind: str, arguments: str = "", selection: str = "") -> Any:
        """A page of the root list of a type, with cursors and page information."""
        path = self.lists[kind].split(".")
        given = f"({arguments})" if arguments else ""
        fields = f"""{{ edges {{ cursor node {{ __typename id {selection} }} }}
          pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }}"""
        text = f"{path[-1]}{given} {fields}"
        for name in reversed(path[:-1]):
            text = f"{name} {{ {text} }}"
        found = await self.data(f"{{ {text} }}", kind)
        for name in path:
            found = found[name]
        return found


@pytest.fixture(scope="session")
async def relay_settings(test_run: TestRun, template: str) -> AsyncIterator[Settings]:
    """A database in which the world really commits."""
    async with copied_database(test_run, template) as settings:
        yield settings


@pytest.fixture(scope="session")
async def relay(relay_settings: Settings) -> AsyncIterator[Relay]:
    """The chief of a city with rows of every kind."""
    async with served_world(relay_settings) as (_, chief, schema):
        yield Relay(chief, await signed_in(chief.http, "a", "near_worker"), schema)
