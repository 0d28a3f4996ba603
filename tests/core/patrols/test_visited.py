"""Whoever is visited has rights to what is kept of it, without an account."""

from jingwei_core.plugins.host import PluginHost, discover
from jingwei_core.privacy.subject import erase_subject, export_subject
from tests.core.events.city import GRID, SIBLING
from tests.core.patrols.quarter import Quarter

WORDS = "水压低，老人独居"


async def test_a_copy_says_what_was_noted_and_an_erasure_leaves_that_somebody_came(
    quarter: Quarter,
) -> None:
    here, there = quarter.places[GRID], quarter.places[SIBLING]
    need = await quarter.made("planner", "visit.need.save", place_id=here, level="high")
    other = await quarter.made("planner", "visit.need.save", place_id=there, level="key")
    noted = {"topics": ["water"], "note": WORDS}
    visit = await quarter.made("west", "visit.log", place_id=here, **noted)
    kept = await quarter.made("east", "visit.log", place_id=there, **noted)
    slug = quarter.tenant.slug
    # Whoever has tables has to be there to answer for them.
    quarter.platform.host = PluginHost(quarter.platform.host.core, discover())

    copy = await export_subject(quarter.platform, slug, str(need), record="VisitNeed")
    told = copy.packages["core"]
    assert [(one["level"], one["rule"]) for one in told["visit_needs"]] == [
        ("high", "探访办法第五条")
    ]
    assert [(one["topics"], one["note"]) for one in told["visits"]] == [(["water"], WORDS)]

    erased = await erase_subject(quarter.platform, slug, str(need), record="VisitNeed")
    assert erased["core"] == 2
    visits = await quarter.fetch("SELECT id, need, topics, note FROM core.visit")
    by_id = {row["id"]: row for row in visits}
    assert (by_id[visit]["need"], by_id[visit]["topics"], by_id[visit]["note"]) == (None, [], "")
    assert (by_id[kept]["need"], by_id[kept]["note"]) == (other, WORDS)
    assert await quarter.value("SELECT array_agg(id) FROM core.visit_need") == [other]
