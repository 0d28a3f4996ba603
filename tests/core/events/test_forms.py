"""Forms: the field that is wrong is named, values are not repeated, text is NFC."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from jingwei_core.events.forms import MAX_BYTES, MAX_DEPTH, check_form
from jingwei_sdk.errors import Invalid

DIALECT = "https://json-schema.org/draft/2020-12/schema"
SCHEMA: dict[str, Any] = {
    "$schema": DIALECT,
    "type": "object",
    "properties": {
        "floor": {"type": "integer", "minimum": -5, "maximum": 120},
        "name": {"type": "string", "maxLength": 5},
        "phone": {"type": "string", "format": "phone"},
        "found_on": {"type": "string", "format": "date"},
        "found_at": {"type": "string", "format": "date-time"},
        "use": {"enum": ["shop", "dwelling"]},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}},
                "required": ["name"],
                "additionalProperties": False,
            },
        },
    },
    "patternProperties": {"^x-": {"type": "string"}},
    "required": ["floor"],
    "additionalProperties": False,
}


def refusal(form: dict[str, Any], schema: dict[str, Any] | None = SCHEMA) -> Invalid:
    with pytest.raises(Invalid) as raised:
        check_form(schema, form)
    return raised.value


def test_a_good_form_comes_back() -> None:
    form = {
        "floor": 3,
        "phone": "0717-1234567",
        "found_on": "2026-11-22",
        "found_at": "2026-11-22T08:00:00+08:00",
        "use": "shop",
        "items": [{"name": "灭火器"}],
        "x-note": "any",
    }
    assert check_form(SCHEMA, form) == form


@pytest.mark.parametrize(
    ("form", "field", "rule"),
    [
        ({}, "form.floor", "required"),
        ({"floor": "3"}, "form.floor", "type"),
        ({"floor": True}, "form.floor", "type"),
        ({"floor": 121}, "form.floor", "maximum"),
        ({"floor": 1, "name": "六个字的名字"}, "form.name", "maxLength"),
        ({"floor": 1, "phone": "call me"}, "form.phone", "format"),
        ({"floor": 1, "found_on": "2026-02-30"}, "form.found_on", "format"),
        ({"floor": 1, "found_at": "2026-11-22T08:00:00"}, "form.found_at", "format"),
        ({"floor": 1, "found_at": "yesterday"}, "form.found_at", "format"),
        ({"floor": 1, "use": "casino"}, "form.use", "enum"),
        ({"floor": 1, "faith": "x"}, "form.faith", "not-expected"),
        ({"floor": 1, "items": [{"name": "a"}, {}]}, "form.items.1.name", "required"),
        ({"floor": 1, "items": [{"name": "a", "b": 1}]}, "form.items.0.b", "not-expected"),
        ({"floor": 1, "items": {}}, "form.items", "type"),
    ],
)
def test_the_broken_field_and_rule_are_named(form: dict[str, Any], field: str, rule: str) -> None:
    error = refusal(form)
    assert (error.code, error.field, error.params["rule"]) == ("EVENT_FORM_INVALID", field, rule)


def test_all_problems_are_listed_and_no_value() -> None:
    error = refusal({"name": "身份证号一二三", "use": "secret-value", "extra": 1})
    assert error.params["problems"] == [
        "form.extra: not-expected",
        "form.floor: required",
        "form.name: maxLength",
        "form.use: enum",
    ]
    assert "secret-value" not in str(error)
    assert "身份证号" not in str(error)


def test_each_missing_property_is_named_once() -> None:
    schema = {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a", "b"]}
    assert refusal({}, schema).params["problems"] == ["form.a: required", "form.b: required"]


def test_without_a_schema_nothing_is_expected() -> None:
    assert check_form(None, {}) == {}
    assert refusal({"floor": 1}, None).field == "form.floor"


def test_text_is_normalised_before_it_is_measured() -> None:
    # Five e-acute, each written as e and a combining accent: ten code points before, five after.
    assert check_form(SCHEMA, {"floor": 1, "name": "e\u0301" * 5})["name"] == "\u00e9" * 5


def test_a_form_has_a_size_and_a_depth() -> None:
    schema = {"type": "object"}
    nested: dict[str, Any] = {}
    for _ in range(MAX_DEPTH - 1):
        nested = {"n": nested}
    assert check_form(schema, nested) == nested
    assert refusal({"n": nested}, schema).code == "EVENT_FORM_TOO_LARGE"
    assert refusal({"n": "x" * MAX_BYTES}, schema).code == "EVENT_FORM_TOO_LARGE"
    endless: dict[str, Any] = {}
    endless["n"] = endless
    assert refusal(endless, schema).code == "EVENT_FORM_TOO_LARGE"


def test_a_schema_is_never_fetched() -> None:
    from referencing.exceptions import Unresolvable

    schema = {"$ref": "http://127.0.0.1:9/schema.json"}
    with pytest.raises(Unresolvable):
        check_form(schema, {"a": 1})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(st.dictionaries(st.sampled_from([*SCHEMA["properties"], "other"]), JSON, max_size=4))
def test_whatever_comes_is_accepted_normal_or_refused_with_a_field(form: dict[str, Any]) -> None:
    field = None
    try:
        found = check_form(SCHEMA, form)
    except Invalid as error:
        field, found = error.field, {"floor": 1}
        event("refused")
    assert field is None or field.startswith("form")
    text = json.dumps(found, ensure_ascii=False)
    assert unicodedata.is_normalized("NFC", text)
    assert check_form(SCHEMA, found) == found


FORMS = sorted(
    (Path(__file__).resolve().parents[3] / "tenants").glob("*/events/forms/*.schema.json")
)


@pytest.mark.parametrize("file", FORMS, ids=lambda file: f"{file.parts[-4]}-{file.name}")
def test_shipped_forms_refuse_what_they_do_not_know(file: Path) -> None:
    schema = json.loads(file.read_text(encoding="utf-8"))
    problems = refusal({"no-such-field": 1}, schema).params["problems"]
    assert isinstance(problems, list)
    assert "form.no-such-field: not-expected" in problems
