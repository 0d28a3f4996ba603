"""The command line as a newcomer meets it; no database."""

import re

import pytest
from typer.testing import CliRunner

from jingwei_core.cli.main import GROUPS, make_app

ASKED = CliRunner().invoke(make_app(), ["--help"], env={"COLUMNS": "200"})
SHOWN = re.findall(r"^│ ([a-z]+)  +\S", ASKED.output, re.MULTILINE)


def test_the_help_lists_the_groups_and_offers_completion_once() -> None:
    assert ASKED.exit_code == 0
    assert {*GROUPS, "schema", "serve"} - {"evidence"} <= set(SHOWN)
    assert ASKED.output.count("--install-completion") == 1


@pytest.mark.parametrize("group", SHOWN)
def test_a_group_explains_itself_and_nothing_else(group: str, log_as_it_was: None) -> None:
    told = CliRunner().invoke(make_app(), [group, "--help"], env={"COLUMNS": "200"})

    assert told.exit_code == 0
    assert f"jingwei {group}" in re.sub(r"\s+", " ", told.output).replace("root", "jingwei")
    assert "completion" not in told.output
