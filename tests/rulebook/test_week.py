"""The proof of the rulebook (街道网格化管理工作制度): a week in its street, over the API only."""

import pytest

from tests.fixtures.command_line import CommandLine
from tests.rulebook.friday import friday
from tests.rulebook.meeting import first_meeting
from tests.rulebook.monday import monday
from tests.rulebook.next_meeting import next_meeting
from tests.rulebook.reports import reports
from tests.rulebook.street import Street
from tests.rulebook.thursday import thursday
from tests.rulebook.wednesday import wednesday
from tests.rulebook.weekend import weekend


@pytest.mark.timeout(600)
async def test_a_week_in_the_street(street: Street, jingwei: CommandLine) -> None:
    days = (thursday, friday, first_meeting, weekend, monday, reports, wednesday, next_meeting)
    for day in days:
        await day(street)
    assert not street.wrong, "\n".join(street.wrong)
    settings = street.platform.database.settings
    verified = await jingwei(settings, "audit", "verify", "zhengzhou")
    assert verified.code == 0, verified.out + verified.err
