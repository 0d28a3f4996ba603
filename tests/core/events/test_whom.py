"""The grammar by which rules name people."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei_core.events.whom import Who, Whom, read_whom
from jingwei_sdk.errors import Invalid


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("reporter", Whom(Who.REPORTER)),
        ("department", Whom(Who.DEPARTMENT)),
        ("department:roads", Whom(Who.DEPARTMENT, department="roads")),
        ("role:grid_chief@street", Whom(Who.ROLE, role="grid_chief", level="street")),
        ("role:grid_chief", Whom(Who.ROLE, role="grid_chief")),
        ("seconded", Whom(Who.SECONDED)),
    ],
)
def test_a_text_is_read_and_told_again(text: str, meant: Whom) -> None:
    assert read_whom(text) == meant
    assert str(meant) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mayor",
        "role:",
        "role:a@",
        "role:@grid",
        "department:",
        "Reporter",
        "reporter ",
        "role:a@b@c",
    ],
)
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_whom(text)
    assert (refusal.value.code, refusal.value.field) == ("WHOM_INVALID", "whom")


@given(st.text(max_size=30))
def test_what_is_read_reads_as_itself(text: str) -> None:
    try:
        meant = read_whom(text)
    except Invalid:
        return
    assert str(meant) == text
