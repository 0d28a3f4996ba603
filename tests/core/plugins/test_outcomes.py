"""Counts of calls that could not be stored are kept for the next time."""

from typing import Any, cast
from uuid import UUID

import pytest

from jingwei_core.plugins.outcomes import Outcomes

POINT = (UUID(int=1), "aaa", "on_event_transitioned")


async def test_what_went_well_while_nothing_could_be_stored_is_the_last_word() -> None:
    outcomes = Outcomes()

    class Gone:
        def platform(self) -> None:
            outcomes.succeeded(POINT, 7)
            raise ConnectionError

    outcomes.failed(POINT, 5, ValueError())
    with pytest.raises(ConnectionError):
        await outcomes.store(cast("Any", Gone()))
    count = outcomes.counts()[POINT]
    assert (count.failed, count.succeeded, count.total_us, count.last_error) == (1, 1, 12, "")
    outcomes.failed(POINT, 5, KeyError())
    assert outcomes.counts()[POINT].last_error == "KeyError"
