"""Inboxes: rows, counts and texts are their owner's, by whatever way they are asked for."""

import pytest

from tests.leak.client import Caller
from tests.leak.judge import Judge, Ledger, changed, global_id
from tests.leak.matrix import ATTACKERS, Attacker
from tests.leak.world import World

RECORDS = ("Notification", "NotificationSetting")
INBOX = """
{
  notifications(first: 100) {
    totalCount edges { cursor node { id code text urgency readAt about { id } account { id } } }
  }
  unreadNotifications { count isMore }
  notificationSettings(first: 100) { totalCount edges { node { id quietFrom account { id } } } }
}
"""


OWNERS = ("near_worker", "far_worker")
"""Whose inboxes the world has, with one row of each record."""


@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda row: row.name)
async def test_an_inbox_is_its_owners(
    attacker: Attacker, world: World, callers: dict[str, Caller], ledger: Ledger
) -> None:
    judge, caller = Judge.of(world, attacker), callers[attacker.name]
    heard = await caller.ask(INBOX)
    assert judge.leaks(heard, INBOX) == []
    own = dict.fromkeys(RECORDS, int(attacker.login in OWNERS))
    told = heard.body.get("data") or {}
    found = {
        "Notification": (told.get("notifications") or {}).get("totalCount", 0),
        "NotificationSetting": (told.get("notificationSettings") or {}).get("totalCount", 0),
    }
    assert found == own
    assert (told.get("unreadNotifications") or {}).get("count", 0) == own["Notification"]
    before = await ledger.read()
    rows = [row for tenant in ("a", "b") for row in world.of("Notification", tenant)]
    for row in rows:
        if attacker.may_see(row.tenant, row.zone):
            continue
        name = global_id("Notification", row.id)
        for document in (
            f'{{ node(id: "{name}") {{ id ... on Notification {{ text code }} }} }}',
            f'mutation {{ notificationRead(id: "{name}", idempotencyKey: "{row.id}")'
            " { notification { text } } }",
        ):
            answer = await caller.ask(document)
            assert judge.leaks(answer, document) == []
            assert not any((answer.body.get("data") or {}).values())
    assert changed(before, await ledger.read()) == []
