"""A trial (断电试验): one act, with the power going at one moment after another.

The act is done on one site as it should be. On its twin it is begun again and again: the power goes
at the first moment where it has not gone yet, so each run comes one moment further, and a process
that knows much says less and is tried at what it says then. Whatever the moment, everything that
the database holds is what it was before, or what the first site holds after.
"""

from dataclasses import dataclass, field, replace

from jingwei_core.commands.bus import Answer
from jingwei_core.platform import Platform
from jingwei_sdk.errors import JingweiError
from tests.faults.power import Point, PowerCut
from tests.faults.rows import Change, Comparing
from tests.faults.site import Act, Site

_RUNS = 2000


@dataclass
class Choosing:
    """Chooses each moment once; of those that ``known`` tells of only the ``wanted``."""

    known: set[Point] = field(default_factory=set)
    wanted: set[Point] = field(default_factory=set)
    tried: set[Point] = field(default_factory=set)

    def __call__(self, point: Point) -> bool:
        """Whether the power goes now."""
        if point in self.tried or (point in self.known and point not in self.wanted):
            return False
        self.tried.add(point)
        return True


@dataclass
class Twins:
    """Two sites that began alike; everything is done on both."""

    straight: Site
    broken: Site
    comparing: Comparing
    crooked: set[tuple[str, str]]
    """What did not agree in the beginning."""

    async def survive(self, act: Act, *, everything: bool) -> int:
        """Prove that the act is done whole or not at all; how many moments were tried."""
        expected, said = await self._as_it_should_be(act)
        choosing = Choosing()
        if not (everything or act.every_point):
            choosing = _chosen(said)
        site = self.broken
        before = await site.book.rows()
        at_rest = await site.book.digest()
        async with site.process(act.at) as survivor:
            for _ in range(_RUNS):
                is_over = await self._broken_off(act, survivor, choosing)
                is_changed = await site.book.digest() != at_rest
                if is_over or (is_changed and not act.may_be_partly):
                    break
            found = self.comparing.change(before, await site.book.rows())
            if act.may_be_partly:
                # Each attempt is told in the audit log.
                expected, found = (_without_audit(each) for each in (expected, found))
            differences = self.comparing.differences(expected, found)
            assert not differences, "\n".join([str(site.power.went_at), *differences])
            await self._is_sound(act)
            counted = survivor.hooks.outcomes.counts().items()
            blamed = [point for point, count in counted if count.failed or count.timed_out]
            assert not blamed, f"{act.name}: the loss is no plugin's failure"
            await self._again(act, survivor)
        return len(choosing.tried)

    async def _as_it_should_be(self, act: Act) -> tuple[Change, list[tuple[Point, bool]]]:
        site = self.straight
        before = await site.book.rows()
        async with site.process(act.at) as platform:
            site.power.begin(lambda _: False)
            await act.run(platform)
            site.power.restore()
        said = site.power.met
        return self.comparing.change(before, await site.book.rows()), said

    async def _broken_off(self, act: Act, survivor: Platform, choosing: Choosing) -> bool:
        """Run until the power goes; whether it did not go."""
        if act.forgets:
            async with self.broken.process(act.at) as platform:
                return await self._broken_off(replace(act, forgets=False), platform, choosing)
        site = self.broken
        site.power.begin(choosing)
        try:
            await act.run(survivor)
        except (*act.lost, PowerCut):
            assert site.power.went_at is not None
        finally:
            if not site.power.is_on:
                await site.line.settled()
            site.power.restore()
        return site.power.went_at is None

    async def _is_sound(self, act: Act) -> None:
        assert await self.broken.book.crooked() <= self.crooked
        assert await self.broken.chain_holds(act.tenant)

    async def _again(self, act: Act, survivor: Platform) -> None:
        """Whoever heard nothing asks again: a process that is new, and the one that was cut."""
        site = self.broken
        if act.repeated == "once more":
            return
        at_rest = await site.book.digest()
        async with site.process(act.at) as platform:
            for each in (platform, survivor):
                try:
                    answer = await act.run(each)
                except JingweiError:
                    assert act.repeated == "refused", act.name
                    continue
                assert act.repeated != "refused", act.name
                if act.repeated == "same answer":
                    assert isinstance(answer, Answer)
                    assert answer.replayed
        assert await site.book.digest() == at_rest, act.name


def _chosen(said: list[tuple[Point, bool]]) -> Choosing:
    """The first moment, the middle one, the last, and each that keeps something for good."""
    points = [point for point, _ in said]
    before = [point._replace(moment="before") for point in points]
    wanted = {point for point, is_done in said if is_done}
    wanted |= {point._replace(moment="before") for point in wanted}
    wanted |= {before[0], before[len(before) // 2], before[-1]}
    return Choosing(known={*points, *before}, wanted=wanted)


def _without_audit(change: Change) -> Change:
    return {table: rows for table, rows in change.items() if "audit" not in table}
