"""The same city as the tests of events have, each test its own."""

from tests.core.events.conftest import city, events_database, hooks, neighbour, platform

__all__ = ["city", "events_database", "hooks", "neighbour", "platform"]
