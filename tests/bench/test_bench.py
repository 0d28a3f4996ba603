"""What of the bench can be checked without measuring: its documents, options, page."""

from datetime import date
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate

from jingwei_core.signals import CHANGES_PRESENCE
from tests.bench import __main__, report
from tests.bench.choices import QUICK_CONTENDERS, SERIES, WORKLOADS, Choices
from tests.bench.servers import HERE

SCHEMA = HERE.parents[1] / "frontend_api" / "schema.graphql"


@pytest.mark.parametrize("file", sorted((HERE / "operations").rglob("*.graphql")), ids=str)
def test_an_operation_fits_the_committed_schema(file: Path) -> None:
    schema = build_schema(SCHEMA.read_text(encoding="utf-8"))
    assert validate(schema, parse(file.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("workload", WORKLOADS)
def test_everybody_is_asked_every_workload(workload: str) -> None:
    assert (HERE / "limits" / f"{workload}.sql").is_file()
    for folder in ("postgraphile/operations", "strawberry_operations"):
        assert (HERE / "peers" / folder / f"{workload}.graphql").is_file()


def test_the_limit_looks_for_listeners_where_the_platform_does() -> None:
    same = (HERE / "limits" / "create.same.sql").read_text(encoding="utf-8")
    assert f"pg_try_advisory_lock({CHANGES_PRESENCE})" in same


def test_a_quick_run_is_short_and_writes_no_page() -> None:
    choices = Choices.of(["--quick", "--only", "list,detail"])
    assert choices.workloads == ("list", "detail")
    assert choices.contenders == QUICK_CONTENDERS
    assert choices.series == ("peers",)
    assert not choices.report


def test_a_whole_run_measures_everything() -> None:
    choices = Choices.of([])
    assert (choices.workloads, choices.series, choices.report) == (WORKLOADS, SERIES, True)


def test_every_series_has_its_place_on_the_page() -> None:
    titles = {title for _, title, _ in __main__.SERIES.values()}
    assert titles == set(report._ORDER)
    assert set(__main__.SERIES) == set(SERIES)


def test_an_unknown_workload_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        Choices.of(["--only", "everything"])
    assert "choose from list" in capsys.readouterr().err


def test_a_run_replaces_its_own_sections_of_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "PAGE", tmp_path / "performance.md")
    report.write_sections({"National tree": "old", "As data grows": "grown"}, date(2026, 11, 1))
    page = report.write_sections({"National tree": "new"}, date(2026, 11, 2)).read_text()
    assert "old" not in page
    assert page.index("grown") < page.index("Measured on 2026-11-02, with Python 3.")
