"""Random leaves, returns, cancellations and changes of posts: everybody may do at every instant
what a slow reference works out of the rows, and casbin says the same."""

import random
import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest

from jingwei_core.access.explaining import load_policy
from jingwei_core.access.loading import load_access
from jingwei_core.access.policy import Question, ask, build_enforcer, grants
from jingwei_sdk.errors import JingweiError
from tests.core.events.city import GRID, ROOT, SIBLING
from tests.core.workforce.street import Street, at

STAFF = ("west", "east", "deputy", "roads-officer")
PATHS = (ROOT, GRID, SIBLING)
ASKED = ("event.file", "event.handle", "event.read", "leave.approve", "role.manage")
INSTANT = timedelta(microseconds=1)


class Months:
    """Some weeks in the street, one random thing after another."""

    def __init__(self, street: Street, chance: random.Random) -> None:
        self.street = street
        self.chance = chance
        self.leaves: list[uuid.UUID] = []
        self.done: dict[str, int] = {}

    async def go_on(self) -> None:
        self.street.clock.forward(hours=self.chance.choice((0, 1, 7, 24)))
        acts = (self.ask, self.ask, self.decide, self.decide, self.come_back, self.staff)
        act = self.chance.choice(acts)
        try:
            await act()
        except JingweiError:
            return
        self.done[act.__name__] = self.done.get(act.__name__, 0) + 1

    async def ask(self) -> None:
        who, substitute = self.chance.sample(STAFF, 2)
        begin = self.street.clock.now() + timedelta(hours=self.chance.choice((0, 5, 30)))
        answer = await self.street.run(
            who,
            "leave.request",
            kind="sick",
            begins_at=begin,
            ends_at=begin + timedelta(hours=self.chance.choice((6, 24, 72))),
            substitute_id=self.street.people[substitute],
        )
        assert answer.row_id is not None
        self.leaves.append(answer.row_id)

    async def decide(self) -> None:
        which = self.chance.choice(("approve", "approve", "approve", "cancel", "refuse"))
        given = {} if which == "cancel" else {"note": "已阅"}
        leave = self.chance.choice(self.leaves[-3:])
        await self.street.run("street-chief", f"leave.{which}", leave, **given)

    async def come_back(self) -> None:
        which = self.chance.choice(("end", "close"))
        leave = self.chance.choice(self.leaves[-4:])
        await self.street.run("street-chief", f"leave.{which}", leave)

    async def staff(self) -> None:
        who = self.street.people[self.chance.choice(STAFF)]
        if self.chance.random() < 0.6:
            await self.street.run(
                "admin",
                "post.grant",
                account_id=who,
                role_id=self.street.roles[self.chance.choice(("officer", "grid_chief"))],
                place_id=self.street.places[self.chance.choice(PATHS)],
                department_id=self.chance.choice((None, self.street.departments["water"])),
                valid_to=self.street.clock.now() + timedelta(hours=self.chance.choice((9, 90))),
            )
            return
        rows = await self.street.fetch(
            "SELECT id FROM core.post"
            " WHERE account = $1 AND covers IS NULL AND valid_to IS NOT NULL",
            who,
        )
        if rows:
            later = self.street.clock.now() + timedelta(hours=self.chance.choice((0, 8)))
            await self.street.run("admin", "post.end", self.chance.choice(rows)[0], at=later)


class Reference:
    """What the rows mean: one's own posts, and those of whom one covers, at the same instant."""

    def __init__(self, posts: list[Any], leaves: list[Any]) -> None:
        self.posts = [post for post in posts if post["covers"] is None]
        self.leaves = [each for each in leaves if each["state"] in ("approved", "closed")]

    def covered(self, account: uuid.UUID, instant: datetime) -> set[uuid.UUID]:
        return {
            each["account"]
            for each in self.leaves
            if each["substitute"] == account and each["begins_at"] <= instant < each["ends_at"]
        }

    def valid(self, account: uuid.UUID, instant: datetime) -> list[Any]:
        meant = {account, *self.covered(account, instant)}
        return [
            post
            for post in self.posts
            if post["account"] in meant
            and post["valid_from"] <= instant
            and (post["valid_to"] is None or instant < post["valid_to"])
        ]

    def instants(self) -> list[datetime]:
        ends = [post[end] for post in self.posts for end in ("valid_from", "valid_to")]
        ends += [
            each[end] for each in self.leaves for end in ("begins_at", "ends_at", "asked_until")
        ]
        known = {end for end in ends if end is not None}
        return sorted(known | {end - INSTANT for end in known})


@pytest.mark.parametrize("seed", range(1, 4))
async def test_everybody_may_do_what_the_rows_mean(street: Street, seed: int):
    months = Months(street, random.Random(seed))
    await months.ask()
    for _ in range(60):
        await months.go_on()
    assert set(months.done) == {"ask", "decide", "come_back", "staff"}
    posts = await street.fetch(
        "SELECT p.*, r.permissions FROM core.post p JOIN core.role r ON r.id = p.role"
    )
    reference = Reference(posts, await street.fetch("SELECT * FROM core.leave"))
    assert any(post["covers"] for post in posts)
    instants = reference.instants()
    async with street.platform.database.unit(street.tenant.id) as unit:
        policy = await load_policy(unit, street.tenant.id)
        enforcer = build_enforcer([policy])
        for instant in months.chance.sample(instants, min(len(instants), 60)):
            for login in STAFF:
                account = street.people[login]
                access = await load_access(unit, account, instant)
                assert access is not None
                valid = reference.valid(account, instant)
                assert access.covers == reference.covered(account, instant)
                assert access.department_ids == {p["department"] for p in valid} - {None}
                assert access.changes_at is None or access.changes_at > instant
                for permission, path in ((p, at_) for p in ASKED for at_ in PATHS):
                    told = any(
                        path.startswith(post["place_path"])
                        and any(grants(one, permission) for one in post["permissions"])
                        for post in valid
                    )
                    assert access.permissions.allows(permission, path) == told
                    question = Question(policy.tenant, str(account), permission, path, instant)
                    assert ask(enforcer, question)[0] == told


async def test_what_is_kept_of_access_ends_where_a_cover_begins_or_ends(street: Street):
    await street.approved("west", "deputy", 1, 3)
    # Without posts of the one who is away only the leave itself turns the access.
    await street.fetch("DELETE FROM core.post WHERE account = $1", street.people["west"])
    deputy, cache = street.people["deputy"], street.platform.access_cache
    for instant, covers, turn in ((at(), False, at(1)), (at(1), True, at(3)), (at(3), False, None)):
        access = await cache.load(street.tenant, street.identity("deputy"), instant)
        assert access.covers == ({street.people["west"]} if covers else set())
        assert access.changes_at == turn
        if turn is not None:
            assert cache.known(street.tenant.id, deputy, turn - INSTANT) is access
            assert cache.known(street.tenant.id, deputy, turn) is None
