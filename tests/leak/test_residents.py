"""Residents by their document: whoever does not see them learns neither who they are nor where."""

import pytest

from tests.leak.client import Caller
from tests.leak.judge import Judge, Ledger, changed, comparable, global_id
from tests.leak.matrix import ATTACKERS, Attacker
from tests.leak.planting_people import NUMBERS
from tests.leak.world import World

NOBODYS = "NOBODY77"
ASKED = """
{{ personOfDocument(documentType: PASSPORT, documentNumber: "{number}", documentCountry: "CHN") {{
  id name status place {{ id name }} }} }}
"""
ENTERED = """
mutation {{ personRegister(idempotencyKey: "{key}", input: {{ placeId: "{place}", name: "attack",
  residence: REGISTERED, document: {{ type: PASSPORT, number: "{number}", country: "CHN" }} }}) {{
  person {{ id }} }} }}
"""


@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda row: row.name)
async def test_a_document_leads_to_whom_one_sees_and_to_nobody_else(
    attacker: Attacker, world: World, callers: dict[str, Caller]
) -> None:
    judge, caller = Judge.of(world, attacker), callers[attacker.name]
    nobody = await caller.ask(ASKED.format(number=NOBODYS))
    assert not (nobody.body.get("data") or {}).get("personOfDocument")
    reads = attacker.login != "handler"
    residents = {
        row.zone: row
        for row in world.of("Person", attacker.tenant)
        if row.values["status"] == "present"
    }
    for zone, number in NUMBERS.items():
        document = ASKED.format(number=number)
        heard = await caller.ask(document)
        assert judge.leaks(heard, document) == []
        if reads and attacker.may_see(attacker.tenant, zone):
            found = heard.body["data"]["personOfDocument"]
            assert found["id"] == global_id("Person", residents[zone].id)
        else:
            assert comparable(heard) == comparable(nobody)


async def test_a_number_that_is_taken_elsewhere_tells_nothing_of_whose_it_is(
    world: World, callers: dict[str, Caller], ledger: Ledger
) -> None:
    (attacker,) = [row for row in ATTACKERS if row.name == "a.near_worker"]
    judge, caller = Judge.of(world, attacker), callers[attacker.name]
    place = global_id("Place", world.a.places["near"])
    before = await ledger.read()
    for zone, code in (
        ("far", "PERSON_REGISTERED_ELSEWHERE"),
        ("city", "PERSON_REGISTERED_ELSEWHERE"),
        ("near", "PERSON_REGISTERED"),
    ):
        document = ENTERED.format(key=f"taken-{zone}", place=place, number=NUMBERS[zone])
        heard = await caller.ask(document)
        assert heard.codes == [code]
        assert judge.leaks(heard, document) == []
    assert changed(before, await ledger.read()) == []
