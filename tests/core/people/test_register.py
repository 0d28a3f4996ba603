"""The register of residents: who is entered once, moves, leaves and comes back; every refusal."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from jingwei_core.people.documents import Document, proven
from jingwei_core.people.facts import is_child
from jingwei_core.people.states import DocumentType, NumberNote, Sex
from jingwei_sdk.errors import JingweiError
from tests.core.events.city import GRID, ROOT, SIBLING
from tests.core.people.town import NOBODYS_AREA, Town, id_card, number_of

ADULT = number_of("19800229", 12)
CHILD = number_of("20160301", 35)
ABOLISHED = number_of("19560708", 7, area="110103")
"""崇文区 of Beijing was joined with 东城区 in 2010; in 1956 nobody had a number."""
PHONE = "13812345678"


async def refused(
    town: Town, code: str, call: Callable[[], Awaitable[Any]], field: str | None = None
) -> JingweiError:
    before = await town.kept()
    with pytest.raises(JingweiError) as error:
        await call()
    assert error.value.code == code
    assert error.value.field == field
    assert await town.kept() == before, code
    return error.value


async def test_who_has_a_number_is_entered_with_what_it_says(town: Town) -> None:
    person = await town.registered(
        who="west-registrar",
        name=" 王小明 ",
        document=id_card(f"{ADULT[:6]} {ADULT[6:14]} {ADULT[14:].lower()}"),
        phone="+86 138-1234-5678",
        residence="floating",
        moved_in_on=town.today,
    )
    row = await town.row(person)
    assert row["document_number"] == ADULT
    assert (row["name"], row["birth_date"], row["sex"]) == ("王小明", date(1980, 2, 29), "female")
    assert (row["phone"], row["status"], row["number_note"]) == (PHONE, "present", "area_unknown")
    assert "wangxiaoming" in row["search_text"]
    assert row["number_digest"]
    assert ADULT not in row["number_digest"]
    # What the audit log says of it is what anybody reads.
    told = await town.value("SELECT string_agg(a::text, ' ') FROM core.audit_entry a")
    assert "王小明" in told
    for secret in (ADULT, PHONE, row["number_digest"]):
        assert secret not in told


async def test_numbers_are_read_as_the_standard_says() -> None:
    known = proven(Document(DocumentType.RESIDENT_ID, number_of("19900105", 3, area="420502")))
    assert (known.note, known.sex) == (NumberNote.NONE, Sex.MALE)
    changed = proven(Document(DocumentType.RESIDENT_ID, number_of("19900105", 3, area="420581")))
    assert changed.note is NumberNote.NONE
    gone = proven(Document(DocumentType.RESIDENT_ID, ABOLISHED))
    assert gone.note is NumberNote.AREA_ABOLISHED
    permit = proven(Document(DocumentType.RESIDENCE_PERMIT, number_of("20001231", 8, "810000")))
    assert (permit.birth_date, permit.sex) == (date(2000, 12, 31), Sex.FEMALE)
    passport = proven(Document(DocumentType.PASSPORT, "14ab12345", "FRA"))
    assert (passport.number, passport.birth_date) == ("14AB12345", None)


def test_years_are_full_on_the_day_after_the_birthday() -> None:
    born = date(2012, 2, 29)
    assert is_child(born, date(2026, 2, 28))
    assert not is_child(born, date(2026, 3, 1))
    assert is_child(date(2012, 11, 23), date(2026, 11, 23))
    assert not is_child(date(2012, 11, 23), date(2026, 11, 24))
    assert not is_child(None, date(2026, 11, 23))


@pytest.mark.parametrize(
    ("code", "field", "given"),
    [
        ("PERSON_NUMBER_SHAPE", "document.number", {"document": id_card(ADULT[:-1])}),
        ("PERSON_NUMBER_SHAPE", "document.number", {"document": id_card("１" + ADULT[1:])}),
        ("PERSON_NUMBER_SHAPE", "document.number", {"document": {"type": "other", "number": "#"}}),
        ("PERSON_NUMBER_CHECK", "document.number", {"document": id_card("1" + ADULT[1:])}),
        (
            "PERSON_NUMBER_BIRTH",
            "document.number",
            {"document": id_card(number_of("19810229"))},
        ),
        (
            "PERSON_COUNTRY_MISSING",
            "document.country",
            {"document": {"type": "passport", "number": "14AB12345"}},
        ),
        (
            "MASKED_VALUE_WRITTEN",
            "document.number",
            {"document": id_card(f"{ADULT[:3]}*************{ADULT[-2:]}")},
        ),
        ("MASKED_VALUE_WRITTEN", "phone", {"phone": "138****5678"}),
        ("PERSON_PHONE_INVALID", "phone", {"phone": "nobody"}),
        (
            "PERSON_CONTRADICTS",
            "birthDate",
            {"document": id_card(ADULT), "birth_date": date(1980, 2, 28)},
        ),
        ("PERSON_CONTRADICTS", "sex", {"document": id_card(ADULT), "sex": "male"}),
        ("PERSON_DAY_FUTURE", "birthDate", {"birth_date": date(2026, 11, 24)}),
        ("PERSON_DAY_FUTURE", "movedInOn", {"moved_in_on": date(2026, 11, 24)}),
        (
            "PERSON_DAYS_ORDER",
            "movedInOn",
            {"birth_date": date(2020, 1, 1), "moved_in_on": date(2019, 12, 31)},
        ),
    ],
)
async def test_what_cannot_be_right_is_refused_by_field(
    town: Town, code: str, field: str, given: dict[str, Any]
) -> None:
    await refused(town, code, partial(town.registered, **given), field)
    person = await town.registered(name="张三")
    change = partial(town.run, "registrar", "person.change", person)
    await refused(town, code, partial(change, **given), field)


async def test_a_number_is_somebodys_once(town: Town) -> None:
    west = await town.registered(who="west-registrar", document=id_card(ADULT))
    again = partial(town.registered, GRID, "west-registrar", document=id_card(ADULT))
    told = await refused(town, "PERSON_REGISTERED", again, "document.number")
    assert told.params["id"] == str(west)
    # Whoever does not see the other hears neither who nor where it is, nor whether they left.
    elsewhere = partial(town.registered, SIBLING, "east-registrar", document=id_card(ADULT))
    code = "PERSON_REGISTERED_ELSEWHERE"
    told = await refused(town, code, elsewhere, "document.number")
    assert str(west) not in str(told.params)
    # Another kind of document, and another country's, may have the same number.
    permit = {"type": "residence_permit", "number": ADULT}
    await town.registered(SIBLING, "east-registrar", document=permit)
    for country in ("FRA", "JPN"):
        passport = {"type": "passport", "number": "14AB12345", "country": country}
        person = await town.registered(document=passport, residence="overseas")
    await town.run("registrar", "person.change", person, document=None)
    assert (await town.row(person))["number_digest"] is None
    # Newborns have none yet, and are two.
    for name in ("新生儿一", "新生儿二"):
        await town.registered(name=name, residence="unregistered", birth_date=town.today)
    change = partial(town.run, "registrar", "person.change", person, document=id_card(ADULT))
    await refused(town, "PERSON_REGISTERED", change, "document.number")
    await town.run("west-registrar", "person.move-away", west)
    await refused(town, "PERSON_REGISTERED_BEFORE", again, "document.number")
    await refused(town, code, elsewhere, "document.number")


async def test_what_the_register_says_is_corrected(town: Town) -> None:
    person = await town.registered(name="李四", birth_date=date(1981, 1, 1), sex="male")
    change = partial(town.run, "registrar", "person.change", person)
    await change(document=id_card(ADULT))
    row = await town.row(person)
    assert (row["birth_date"], row["sex"]) == (date(1980, 2, 29), "female")
    # What the number says stays said.
    for wrong in ({"birth_date": date(1981, 1, 1)}, {"sex": "male"}):
        field = "sex" if "sex" in wrong else "birthDate"
        await refused(town, "PERSON_CONTRADICTS", partial(change, **wrong), field)
    await change(name="李思", phone="0717-6251234", residence="lodging", moved_in_on=town.today)
    row = await town.row(person)
    assert (row["name"], row["phone"], row["residence"]) == ("李思", "07176251234", "lodging")
    assert (row["document_number"], row["moved_in_on"]) == (ADULT, town.today)
    assert "lisi" in row["search_text"]
    await change(phone=None, document=id_card(ADULT))
    assert (await town.row(person))["phone"] is None


async def test_people_move_leave_and_come_back(town: Town) -> None:
    person = await town.registered(who="west-registrar", document=id_card(ADULT))
    run = partial(town.run, "registrar")
    day = town.today - timedelta(days=3)
    await run("person.move", person, place_id=town.places[SIBLING], on=day)
    row = await town.row(person)
    assert (row["place_path"], row["moved_in_on"], row["status"]) == (SIBLING, day, "present")
    here = partial(run, "person.move", person, place_id=town.places[SIBLING])
    await refused(town, "PERSON_THERE", here, "placeId")
    # Gone from the sight of those who wrote it, and theirs who live there now.
    await refused(
        town,
        "ROW_NOT_FOUND",
        partial(town.run, "west-registrar", "person.move-away", person),
        "id",
    )
    east = partial(town.run, "east-registrar")
    for place in (town.places[GRID], person):
        away = partial(east, "person.move", person, place_id=place)
        await refused(town, "PLACE_NOT_FOUND", away, "placeId")
    early = partial(east, "person.move-away", person, on=day - timedelta(days=1))
    await refused(town, "PERSON_DAYS_ORDER", early, "on")
    await refused(town, "PERSON_PRESENT", partial(east, "person.bring-back", person))
    await east("person.move-away", person)
    row = await town.row(person)
    assert (row["status"], row["left_on"], row["place_path"]) == ("moved_away", town.today, SIBLING)
    for name, given in (("person.move-away", {}), ("person.move", {"place_id": row["place_id"]})):
        again = partial(east, name, person, **given)
        await refused(town, "PERSON_NOT_PRESENT", again)
    await east("person.bring-back", person, on=town.today)
    row = await town.row(person)
    assert (row["status"], row["left_on"], row["moved_in_on"]) == ("present", None, town.today)
    await east("person.mark-deceased", person)
    assert (await town.row(person))["status"] == "deceased"
    await refused(town, "PERSON_DECEASED", partial(east, "person.mark-deceased", person))
    await east("person.bring-back", person)
    assert (await town.row(person))["moved_in_on"] == town.today


async def test_who_left_is_taken_in_by_their_document(town: Town) -> None:
    person = await town.registered(who="west-registrar", document=id_card(ADULT))
    dead = await town.registered(who="west-registrar", document=id_card(CHILD))
    await town.run("west-registrar", "person.mark-deceased", dead)
    there = {"place_id": town.places[SIBLING], "residence": "floating"}

    def taking(number: str) -> Callable[[], Awaitable[Any]]:
        east = partial(town.run, "east-registrar", "person.take-in")
        return partial(east, document=id_card(number), **there)

    # Still living there, dead, or known to nobody: one answer.
    said = [
        await refused(town, "PERSON_NOT_AWAY", taking(number), "document.number")
        for number in (ADULT, CHILD, number_of("19700101"))
    ]
    assert len({str(each.params) for each in said}) == 1
    await town.run("west-registrar", "person.move-away", person)
    answer = await taking(ADULT)()
    assert answer.row_id == person
    row = await town.row(person)
    told = (row["place_path"], row["residence"], row["status"], row["left_on"])
    assert told == (SIBLING, "floating", "present", None)
    wrong = taking(ADULT[:-1])
    await refused(town, "PERSON_NUMBER_SHAPE", wrong, "document.number")


async def test_writing_takes_the_permission_at_the_place(town: Town) -> None:
    person = await town.registered()
    there = {"place_id": town.places[GRID], "residence": "registered"}
    for name, target, given in (
        ("person.register", None, {**there, "name": "甲"}),
        ("person.take-in", None, {**there, "document": id_card(ADULT)}),
        ("person.change", person, {"name": "甲"}),
        ("person.move", person, {"place_id": town.places[GRID]}),
        ("person.move-away", person, {}),
        ("person.mark-deceased", person, {}),
        ("person.bring-back", person, {}),
        ("person.reveal-number", person, {"purpose": "核实"}),
        ("person.reveal-phone", person, {"purpose": "核实"}),
    ):
        call = partial(town.run, "reader", name, target, **given)
        await refused(town, "PERMISSION_DENIED", call)
    # Of a place in sight where nothing may be written it is said so.
    await town.fetch(
        "INSERT INTO core.post (account, role, place_id, valid_from) SELECT $1, id, $2,"
        " '2026-01-01' FROM core.role WHERE code = 'reader'",
        town.people["west-registrar"],
        town.places[ROOT],
    )
    move = partial(town.run, "west-registrar", "person.move", person)
    call = partial(move, place_id=town.places[SIBLING])
    await refused(town, "PERMISSION_DENIED", call)


async def test_numbers_are_seen_for_a_purpose_and_a_childs_by_whom_it_is_given(town: Town) -> None:
    adult = await town.registered(document=id_card(ADULT), phone=PHONE)
    child = await town.registered(document=id_card(CHILD), phone=PHONE)
    for name, expected in (("person.reveal-number", ADULT), ("person.reveal-phone", PHONE)):
        answer = await town.run("registrar", name, adult, purpose="核实身份")
        assert (answer.values or {})["value"] == expected
        call = partial(town.run, "registrar", name, child, purpose="核实身份")
        await refused(town, "PERMISSION_DENIED", call)
        answer = await town.run("guardian", name, child, purpose="核实监护")
        assert (answer.values or {})["value"] == (CHILD if expected == ADULT else PHONE)
    told = await town.value("SELECT string_agg(a::text, ' ') FROM core.audit_entry a")
    assert told.count("核实身份") == told.count("核实监护") == 2
    assert ADULT not in told
    assert PHONE not in told


def test_the_area_of_invented_numbers_is_nobodys() -> None:
    invented = proven(Document(DocumentType.RESIDENT_ID, number_of("19800101")))
    assert invented.number.startswith(NOBODYS_AREA)
    assert invented.note is NumberNote.AREA_UNKNOWN
