"""The message catalogue speaks to people."""

from pathlib import Path

import pytest

from jingwei_sdk.messages import Catalogue


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["EPSG:4326", "EPSG:4490"], "use EPSG:4326, EPSG:4490"),
        (("hour", 3), "use hour, 3"),
        ([], "use "),
        ("GCJ-02", "use GCJ-02"),
        (None, "use None"),
    ],
)
def test_several_values_are_listed_without_python(tmp_path: Path, given: object, told: str) -> None:
    file = tmp_path / "messages.toml"
    file.write_text('[CRS]\nzh = "请用 {accepted}"\nen = "use {accepted}"\n', encoding="utf-8")
    catalogue = Catalogue()
    catalogue.load(file)

    assert catalogue.message("CRS", "en", {"accepted": given}).text == told


@pytest.mark.parametrize("text", ["{", "{0}", "{given.name}", "{given:d}", "{given[1]}"])
def test_a_text_that_cannot_be_filled_is_told_as_it_is(tmp_path: Path, text: str) -> None:
    """An error is told: another one in its place would tell nobody what happened."""
    path = tmp_path / "messages.toml"
    path.write_text(f'[SOME_ERROR]\nzh = "{text}"\nen = "{text}"\n', encoding="utf-8")
    catalogue = Catalogue()
    catalogue.load(path)
    assert catalogue.message("SOME_ERROR", "en", {"given": "a"}).text == text
