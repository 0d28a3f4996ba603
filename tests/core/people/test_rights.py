"""Residents have rights to what the register says of them, without an account."""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest
from piccolo.columns import Text

from jingwei_core.people.questions import DocumentShown, person_of
from jingwei_core.people.states import DocumentType
from jingwei_core.plugins.host import PluginHost, discover
from jingwei_core.privacy.subject import erase_subject, export_subject
from jingwei_sdk.context import Context
from jingwei_sdk.data_rights import ACCOUNT, PERSON, CloneRule, DataRights, unanswered
from jingwei_sdk.errors import NotFound
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.tables import CoreRef, TenantTable
from tests.core.events.city import GRID, SIBLING
from tests.core.people.town import Town, id_card, number_of
from tests.sdk.graphql_scene import found

NUMBER, OTHER = number_of("19750505", 5), number_of("19760606", 6)


class Meal(TenantTable, tablename="meal", schema="care"):
    """助餐: what a plugin keeps about a resident, who is told by whom."""

    eater = CoreRef("Person")
    teller = CoreRef("Account")
    diet = Text(default="", null=False)


async def _export(ctx: Context, person: uuid.UUID) -> Mapping[str, Any]:
    return {"meals": [str(person)]}


async def _erase(ctx: Context, person: uuid.UUID) -> int:
    return 3


async def test_a_copy_says_all_and_an_erasure_leaves_nothing(town: Town) -> None:
    told = {"name": "赵六", "document": id_card(NUMBER), "phone": "13800138000"}
    person = await town.registered(**told, moved_in_on=town.today)
    other = await town.registered(document=id_card(OTHER))
    slug = town.tenant.slug
    copy = await export_subject(town.platform, slug, str(person), record="Person")
    (row,) = copy.packages["core"]["people"]
    assert (row["name"], row["document_number"], row["phone"]) == ("赵六", NUMBER, "13800138000")
    assert (row["birth_date"], row["place"], row["status"]) == ("1975-05-05", GRID, "present")
    kept = await town.fetch("SELECT p::text FROM core.person p WHERE id = $1", other)
    erased = await erase_subject(town.platform, slug, str(person), record="Person")
    assert erased["core"] == 1
    assert await town.fetch("SELECT p::text FROM core.person p") == kept
    last = "SELECT changes::text FROM core.audit_entry ORDER BY sequence DESC LIMIT 1"
    assert "赵六" not in await town.value(last)
    # The number is free again.
    await town.registered(**told)
    before = await town.kept()
    with pytest.raises(NotFound) as error:
        await export_subject(town.platform, slug, "nobody", record="Person")
    assert error.value.code == "SUBJECT_UNKNOWN"
    with pytest.raises(NotFound) as error:
        await erase_subject(town.platform, slug, str(uuid.uuid4()), record="Person")
    assert error.value.code == "SUBJECT_UNKNOWN"
    assert await town.kept() == before


async def test_who_has_a_document_is_found_in_sight_only(town: Town) -> None:
    west = await town.registered(document=id_card(NUMBER))
    east = await town.registered(SIBLING, document=id_card(OTHER))

    async def asked(who: str, number: str) -> uuid.UUID | None:
        async with town.context(who) as ctx:
            return await person_of(ctx, DocumentShown(DocumentType.RESIDENT_ID, number))

    assert await asked("registrar", f" {NUMBER} ") == west
    assert await asked("registrar", OTHER) == east
    # Out of sight, in nobody's hands, no number at all, or masked: nobody.
    for number in (OTHER, number_of("19770707"), "17", f"{NUMBER[:3]}****"):
        assert await asked("reader", number) is None
    assert await asked("reader", NUMBER) == west


async def test_plugins_answer_for_what_they_keep_of_a_resident(town: Town) -> None:
    care = Plugin(id="care", package="tests", data_rights=(DataRights(PERSON, _export, _erase),))
    host = town.platform.host
    town.platform.host = PluginHost(host.core, [*discover(), found(care)])
    person = await town.registered(document=id_card(NUMBER))
    slug = town.tenant.slug
    copy = await export_subject(town.platform, slug, str(person), record="Person")
    assert copy.packages["care"] == {"meals": [str(person)]}
    assert await erase_subject(town.platform, slug, str(person), record="Person") == {
        "care": 3,
        "core": 1,
    }


def test_a_table_about_residents_needs_rights_of_theirs() -> None:
    rule = (CloneRule(Meal, "skip"),)

    def left(*subjects: str) -> list[str | None]:
        rights = [DataRights(subject, _export, _erase, (Meal,)) for subject in subjects]
        return [each.subject for each in unanswered([Meal], rights, rule)]

    assert left() == [ACCOUNT, PERSON]
    assert left(ACCOUNT) == [PERSON]
    assert left(PERSON) == [ACCOUNT]
    assert left(ACCOUNT, PERSON) == []
