"""The page about public reports: its samples are read and sent, and say every key there is."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from jingwei_core.public_reports.following import Progress
from jingwei_core.public_reports.offering import Offer, OfferedKind
from jingwei_core.public_reports.rules import Limits, Rules, read_rules
from tests.api.public_reports.world import Resident, settle
from tests.core.events.city import GRID, POTHOLE

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "public-report.md").read_text(encoding="utf-8")
SAMPLES = DOCS / "samples" / "public-report"
_LINES = (SAMPLES / "calls.jsonl").read_text(encoding="utf-8").splitlines()
CALLS = [json.loads(line) for line in _LINES]


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def test_the_sample_of_a_package_says_every_key_and_stands_on_the_page() -> None:
    text = (SAMPLES / "public.toml").read_text(encoding="utf-8")
    rules = read_rules(tomllib.loads(text))
    assert rules.enabled
    # The numbers of the page are the defaults.
    assert rules.limits == Limits()
    for shape in (Rules, Limits):
        said = {line.partition(" = ")[0].strip("[]") for line in text.splitlines()}
        assert set(shape.__struct_fields__) <= said
    for block in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL):
        assert block in text or "public = {" in block
    for told in (Progress, Offer, OfferedKind):
        names = [_camel(name) for name in told.__struct_fields__]
        assert [name for name in names if f"`{name}`" not in PAGE] == []


def test_each_body_of_the_page_is_sent() -> None:
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
    sent = [call["body"] for call in CALLS]
    assert all(block in sent for block in blocks)
    assert all(body in blocks for body in sent)


async def test_the_calls_of_the_page_are_taken(resident: Resident) -> None:
    code = ""
    for call in CALLS:
        if call["path"] == "rate":
            await settle(resident.city, (await resident.event_of(code))["id"])
            resident.clock.forward(minutes=5)
        given = {
            "FORM": await resident.token(),
            "PLACE": str(resident.city.places[GRID]),
            "KIND": POTHOLE,
            "CODE": code,
        }
        body: dict[str, Any] = {
            name: given.get(value, value) if isinstance(value, str) else value
            for name, value in call["body"].items()
        }
        answer = await resident.call(call["path"], **body)
        assert answer.status_code == call["status"], answer.text
        if call["path"] == "reports":
            code = answer.json()["code"]
        if call["path"] == "follow":
            assert set(answer.json()) == {_camel(name) for name in Progress.__struct_fields__}
