"""What is remembered of a tenant's configuration holds for one policy number."""

from datetime import date

from jingwei_core.events.configuration import KnownConfigurations
from tests.core.events.city import City


async def number_of(city: City) -> int:
    async with city.platform.database.unit(city.tenant.id) as unit:
        found: int = await unit.fetchval("SELECT number FROM core.policy_version")
        return found


async def test_a_reader_has_what_holds_under_its_number_or_nothing(city: City) -> None:
    configurations = KnownConfigurations(city.platform.database)
    first = await number_of(city)
    known = await configurations.under(city.tenant, first)
    assert known is not None
    assert known.number == first
    assert set(known.definitions) == {workflow.id for workflow in known.workflows}
    assert await configurations.under(city.tenant, first) is known
    async with city.platform.database.unit(city.tenant.id) as unit:
        await unit.execute("UPDATE core.event_kind SET is_active = NOT is_active")
    second = await number_of(city)
    assert second > first
    changed = await configurations.under(city.tenant, second)
    assert changed is not None
    assert {kind.is_active for kind in changed.kinds} != {kind.is_active for kind in known.kinds}
    assert await configurations.under(city.tenant, first) is None


async def test_what_may_not_be_kept_is_not_remembered(city: City) -> None:
    async with city.platform.database.rehearsal() as rehearsed:
        configurations = KnownConfigurations(rehearsed)
        number = await number_of(city)
        found = await configurations.under(city.tenant, number)
        assert found is not None
        assert configurations.known(city.tenant, number) is None


async def test_a_day_without_end_is_no_day_of_the_calendar(city: City) -> None:
    number = await number_of(city)
    known = await KnownConfigurations(city.platform.database).under(city.tenant, number)
    assert known is not None
    async with city.platform.database.unit(city.tenant.id) as unit:
        await unit.execute(
            "INSERT INTO core.calendar_day (day, is_working) VALUES ($1, false)", date.max
        )
    later = await KnownConfigurations(city.platform.database).under(
        city.tenant, await number_of(city)
    )
    assert later is not None
    assert later.days == known.days
