"""Contacts of those who report: who sees them, when they go, and what the log keeps."""

import pytest

from jingwei_core.public_reports.data_rights import RIGHTS
from jingwei_core.public_reports.removing import remove_old
from jingwei_sdk.errors import Denied
from tests.api.public_reports.world import (
    NAME,
    PHONE,
    Resident,
    employ,
    settle,
    written,
)

REVEAL = "public-report.reveal-phone"
_CONTACT = "SELECT name, phone FROM core.public_report WHERE id = $1"


async def test_a_contact_is_for_those_who_call_back(resident: Resident) -> None:
    city = resident.city
    report = (await resident.event_of(await resident.reported(name=NAME, phone=PHONE)))["report"]
    await employ(city, "reader", ["public-report.read"])
    await employ(city, "caller", ["public-report.read", "public-report.contact"])
    before = await written(city)
    for login in ("reader", "worker"):
        with pytest.raises(Denied):
            await city.run(login, REVEAL, report, purpose="回访核实")
    with pytest.raises(Denied):
        await city.run("caller", "public-report.answer", report, text="好了")
    assert await written(city) == before
    for name, value in (("phone", PHONE), ("name", NAME)):
        command = f"public-report.reveal-{name}"
        answer = await city.run("caller", command, report, purpose="回访核实")
        assert answer.values is not None
        assert answer.values["value"] == value
        (audit,) = await city.fetch(
            "SELECT changes::text AS told FROM core.audit_entry WHERE command = $1", command
        )
        assert ("回访核实" in audit["told"], value in audit["told"]) == (True, False)


async def test_a_contact_goes_when_its_owner_asks_and_the_log_keeps_nothing(
    resident: Resident,
) -> None:
    city = resident.city
    code = await resident.reported(name=NAME, phone=PHONE)
    report = (await resident.event_of(code))["report"]
    assert (await resident.call("forget", code=code)).status_code == 204
    assert tuple((await city.fetch(_CONTACT, report))[0]) == (None, None)
    assert (await resident.call("follow", code=code)).json()["hasContact"] is False
    logged = await city.fetch("SELECT changes::text AS told FROM core.audit_entry")
    assert not [row for row in logged if PHONE in row["told"] or NAME in row["told"]]
    lost = (await resident.event_of(await resident.reported(phone=PHONE)))["report"]
    (rights,) = RIGHTS
    async with city.context(None) as ctx:
        assert (await rights.export(ctx, lost))["public_reports"][0]["phone"] == PHONE
        assert await rights.erase(ctx, lost) == 1
    assert tuple((await city.fetch(_CONTACT, lost))[0]) == (None, None)


async def test_a_contact_goes_by_the_citys_rules_and_so_do_counts(resident: Resident) -> None:
    city, clock = resident.city, resident.clock
    code, waiting = await resident.reported(phone=PHONE), await resident.reported(phone=PHONE)
    rows = await city.fetch("SELECT event FROM core.public_report ORDER BY id DESC LIMIT 2")
    await settle(city, rows[1]["event"])
    for days, is_there in ((29, True), (2, False)):
        clock.forward(days=days)
        async with city.context(None) as ctx:
            await remove_old(ctx, {})
        assert (await resident.call("follow", code=code)).json()["hasContact"] is is_there
    # What is not closed keeps its contact, but not for ever.
    assert (await resident.call("follow", code=waiting)).json()["hasContact"] is True
    assert not await city.fetch(
        "SELECT 1 FROM core.public_call WHERE ends_at < $1", clock.now().replace(minute=0)
    )
    clock.forward(days=340)
    async with city.context(None) as ctx:
        await remove_old(ctx, {})
    assert (await resident.call("follow", code=waiting)).json()["hasContact"] is False
