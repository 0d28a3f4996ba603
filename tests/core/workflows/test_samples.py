"""The manual of workflows: its samples are sound, say all there is, and are what it shows."""

import re
from pathlib import Path

import msgspec
import pytest

from jingwei_core.event_ports import event_ports
from jingwei_core.events.deadlines import TimeLimit
from jingwei_core.events.ports import Ports
from jingwei_core.events.workflow import Action, Intake, Requirement, State, WorkflowDefinition
from jingwei_core.events.workflow_effects import AssignTo, ClockDoes, Effect
from jingwei_core.events.workflow_guards import Duty, Guard
from jingwei_core.workflows.files import read_file
from jingwei_core.workflows.fitting import find_misfits
from jingwei_core.workflows.surroundings import KindFacts, Surroundings
from jingwei_sdk.errors import Invalid

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "workflows.md").read_text(encoding="utf-8")
SAMPLES = sorted((DOCS / "samples/workflows").glob("*.toml"))
TEXT = (DOCS / "samples/workflows/rulebook.toml").read_text(encoding="utf-8")


AROUND = Surroundings(
    roles={"centre": ("event.*",), "chief": ()},
    levels=frozenset({"street", "community"}),
    departments=frozenset({"roads"}),
    kinds=(KindFacts("city.road.hole", "rulebook", "", True, frozenset({"width_cm"})),),
    limits=frozenset(),
    certificates=frozenset({"enforcement"}),
    ports=event_ports(),
)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_sound_and_fits(path: Path) -> None:
    assert f"samples/workflows/{path.name}" in PAGE
    assert find_misfits(read_file(path), AROUND) == []


def test_without_the_rooms_the_sample_is_refused_where_it_needs_them() -> None:
    bare = AROUND
    without = Surroundings(
        *(bare.roles, bare.levels, bare.departments, bare.kinds, bare.limits),
        certificates=None,
        ports=Ports(),
    )
    flaws = find_misfits(read_file(SAMPLES[0]), without)
    assert {flaw.code for flaw in flaws} == {"WORKFLOW_PORT_MISSING"}


def test_every_block_of_the_page_stands_in_the_sample() -> None:
    blocks = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) > 12
    assert [block for block in blocks if block not in TEXT] == []


def test_the_page_and_the_sample_say_every_key() -> None:
    parts = [
        State,
        Action,
        Intake,
        WorkflowDefinition,
        TimeLimit,
        *Guard.__args__,
        *Effect.__args__,
    ]
    for part in parts:
        info = msgspec.inspect.type_info(part)
        assert isinstance(info, msgspec.inspect.StructType)
        for field in info.fields:
            assert field.encode_name in PAGE, field
            assert re.search(rf"\b{field.encode_name}\b", TEXT), field
        if info.tag is not None:
            assert f"`{info.tag}`" in PAGE
            assert f'"{info.tag}"' in TEXT


@pytest.mark.parametrize("words", [Requirement, AssignTo, ClockDoes, Duty])
def test_the_page_names_every_word(words: type) -> None:
    assert [word.value for word in words if f"`{word.value}`" not in PAGE] == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["code =", "\udcff"])
def test_a_file_that_is_none_is_refused_with_its_cause(tmp_path: Path, text: str) -> None:
    file = tmp_path / "broken.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    for path in (file, tmp_path / "absent.toml"):
        with pytest.raises(Invalid) as refusal:
            read_file(path)
        assert (refusal.value.code, refusal.value.file) == ("WORKFLOW_FILE", path.name)
