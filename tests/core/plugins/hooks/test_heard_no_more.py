"""What waits for a plugin that an upgrade has made deaf ends with a stated outcome, once."""

import msgspec
import pytest

from jingwei_core.database import Database
from jingwei_core.jobs.core_jobs import EVENT_CONSUMER, OUTBOX_DELIVER, PLUGIN_REACTION
from jingwei_core.jobs.queue import NewJob
from jingwei_core.jobs.worker import Worker
from jingwei_sdk.hook_specs import on_event_transitioned
from jingwei_sdk.payloads import EventTransition
from jingwei_sdk.plugin import Plugin
from tests.core.jobs.cities import FAST
from tests.core.plugins.hooks.hearing_world import GIVEN, HERE, hearing

MESSAGE = "0198c0de-0000-7000-8000-000000000007"
DEAF = Plugin(id="aaa", package="x")
_STATES = """
SELECT q.entrypoint, q.status::text, q.headers ? 'parked' AS is_parked, l.traceback::text AS why,
       (SELECT count(*) FROM jobs.pgqueuer_log p WHERE p.job_id = q.id AND p.status = 'picked') AS n
FROM jobs.pgqueuer q LEFT JOIN jobs.pgqueuer_log l ON l.job_id = q.id AND l.status = 'failed'
ORDER BY q.id
"""


@pytest.mark.commit
async def test_a_hook_a_consumer_and_a_channel_that_are_gone(database: Database) -> None:
    """The plugin is on: waiting for it to be switched on would never end."""
    platform = await hearing(database, DEAF)
    step = {"given": msgspec.to_builtins(GIVEN[EventTransition])}
    reactions = [
        # A hook that only another version of the platform has, and one that nobody hears.
        {"plugin": "aaa", "hook": "on_moon_full", **step},
        {"plugin": "aaa", "hook": on_event_transitioned.name, **step},
    ]
    consumer = {"event": MESSAGE, "consumer": "aaa:gone"}
    async with platform.database.platform() as unit:
        await unit.execute("SELECT set_config('app.tenant', $1, true)", str(HERE))
        await unit.execute(
            "INSERT INTO core.outbox_message (id, channel, payload) VALUES ($1, 'sms', '{}')",
            MESSAGE,
        )
        jobs = [NewJob(PLUGIN_REACTION, each) for each in reactions]
        jobs.append(NewJob(EVENT_CONSUMER, consumer))
        jobs.append(NewJob(OUTBOX_DELIVER, {"message": MESSAGE, "plugin": "aaa"}))
        await platform.queue.add(unit, HERE, jobs)

    await Worker(platform, FAST).drain()

    async with database.owner() as unit:
        left = [tuple(row) for row in await unit.fetch(_STATES)]
        (message,) = await unit.fetch("SELECT status, last_error FROM core.outbox_message")
    assert [(name, status, parked, picks) for name, status, parked, _, picks in left] == [
        (PLUGIN_REACTION, "failed", False, 1),
        (PLUGIN_REACTION, "failed", False, 1),
        (EVENT_CONSUMER, "failed", False, 1),
    ]
    assert all("PLUGIN_HEARS_NO_MORE" in row[3] for row in left)
    assert tuple(message) == ("failed", "OUTBOX_CHANNEL_UNKNOWN channel=sms")
