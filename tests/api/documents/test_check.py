"""``jingwei documents check``: each document against a schema, and what it costs."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from jingwei_api.documents.cli import app
from jingwei_sdk.errors import Invalid, Refused
from tests.api.limits.test_merging import SLOW

SAMPLES = Path(__file__).parents[3] / "docs" / "samples"


def check(path: Path, *more: str) -> tuple[int, str]:
    told = CliRunner().invoke(app, ["check", str(path), *more])
    if told.exception is not None and not isinstance(told.exception, SystemExit):
        raise told.exception
    return told.exit_code, told.output


def written(folder: Path, text: str) -> Path:
    path = folder / "one.graphql"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_samples_of_the_manual_could_run() -> None:
    code, told = check(SAMPLES)
    assert code == 0, told
    assert "events.graphql" in told
    assert "refused" not in told


def test_the_figures_with_and_without_variables_are_told(tmp_path: Path) -> None:
    path = written(tmp_path, "query Q($n: Int) { events(first: $n) { edges { cursor } } }")
    code, told = check(path)
    assert code == 0
    assert "cost 22 (at most 102), rows 20 (100), depth 3  one.graphql Q" in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{ nothing }", "Cannot query field 'nothing'"),
        ("{ __typename ... @defer { __typename } }", "Unknown directive '@defer'"),
        (
            "{ places { edges { node { children(first: 100) { edges { node { children(first: 100)"
            " { edges { cursor } } } } } } } } }",
            "QUERY_TOO_COSTLY",
        ),
        # The specification's own rule of merging would take for ever.
        (SLOW["fragments that double"], "QUERY_TOO_TANGLED"),
    ],
    ids=("unknown field", "unknown directive", "costly", "tangled"),
)
def test_what_could_not_run_fails_the_check(tmp_path: Path, text: str, told: str) -> None:
    code, output = check(written(tmp_path, text))
    assert code == 1
    assert told in output


def test_the_schema_is_that_of_the_plugins_named(tmp_path: Path) -> None:
    path = written(tmp_path, "{ safetyProduction { hazards { totalCount } } }")
    assert check(path)[0] == 0
    assert check(path, "--plugins", "safety-production")[0] == 0
    code, told = check(path, "--plugins", "")
    assert (code, "safetyProduction" in told) == (1, True)
    with pytest.raises(Invalid, match="PLUGIN_UNKNOWN"):
        check(path, "--plugins", "magic")


def test_an_empty_folder_and_a_broken_file_fail(tmp_path: Path) -> None:
    assert check(tmp_path)[0] == 1
    with pytest.raises(Refused, match="TRUSTED_SYNTAX"):
        check(written(tmp_path, "{"))
