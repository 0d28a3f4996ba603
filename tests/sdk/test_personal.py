"""Declarations of personal columns: complete or refused, and masks that cannot be undone."""

import pytest
from piccolo.columns import Text

from jingwei_sdk.commands import NoInput, command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid, Refused
from jingwei_sdk.personal import (
    Mask,
    Masked,
    Personal,
    Revealed,
    Sensitivity,
    mask_value,
    refuse_masked,
)
from jingwei_sdk.records import Record, TenantWide
from jingwei_sdk.tables import TenantTable

WHOLE = {
    "purpose_zh": "联系",
    "purpose_en": "contact",
    "basis": "PIPL art. 13",
    "sensitivity": Sensitivity.GENERAL,
    "retention": "P1Y",
    "mask": Mask.PHONE,
}


class Neighbour(TenantTable, tablename="neighbour", schema="sample"):
    """邻居: somebody with a phone."""

    PERSONAL = {"phone": Personal(**WHOLE)}
    phone = Text(default=None, null=True)


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"purpose_zh": " "}, "purpose_zh"),
        ({"purpose_en": ""}, "purpose_en"),
        ({"basis": ""}, "basis"),
        ({"sensitivity": "secret"}, "sensitivity"),
        ({"retention": ""}, "retention"),
        ({"retention": "P"}, "retention"),
        ({"retention": "one year"}, "retention"),
        ({"counted_from": ""}, "counted_from"),
        ({"mask": None}, "unmasked_because"),
    ],
)
def test_a_declaration_that_leaves_something_out_is_refused(
    change: dict[str, object], missing: str
) -> None:
    with pytest.raises(Refused) as refusal:
        Personal(**{**WHOLE, **change})
    assert refusal.value.code == "PERSONAL_INCOMPLETE"
    assert refusal.value.params == {"missing": missing}


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (Mask.PHONE, "13812345678", "138****5678"),
        (Mask.PHONE, "62212345", "****"),
        (Mask.NAME, "张三丰", "张**"),
        (Mask.NAME, "", "****"),
        (Mask.ID_NUMBER, "11010519491231002X", "110*************2X"),
        (Mask.ID_NUMBER, "G1234567", "****"),
        (Mask.TEXT, "西陵二路 1 号", "****"),
        (Mask.TEXT, 19491231, "****"),
    ],
)
def test_what_a_mask_shows(mask: Mask, value: object, shown: str) -> None:
    assert mask_value(mask, value) == Masked(shown, is_masked=True)


@pytest.mark.parametrize(
    ("mask", "value", "is_refused"),
    [
        (Mask.PHONE, "138****5678", True),
        (Mask.PHONE, "138＊＊＊＊5678", True),
        (Mask.PHONE, Masked("138****5678"), True),
        (Mask.PHONE, "13812345678", False),
        (Mask.PHONE, None, False),
        (Mask.NAME, "张*", True),
        (Mask.NAME, "买买提·阿布", False),
        (Mask.TEXT, "****", True),
        (Mask.TEXT, "3*5 米的小屋", False),
        (Mask.TEXT, 1949, False),
    ],
)
def test_a_masked_value_is_told_from_a_value(mask: Mask, value: object, is_refused: bool) -> None:
    told = Personal(**{**WHOLE, "mask": mask})
    if not is_refused:
        refuse_masked(told, value, "phone")
        return
    with pytest.raises(Invalid) as refusal:
        refuse_masked(told, value, "phone")
    assert (refusal.value.code, refusal.value.field) == ("MASKED_VALUE_WRITTEN", "phone")


@pytest.mark.parametrize(
    "use",
    [
        {"filters": ("phone",)},
        {"sort": ("phone",)},
        {"search": "phone"},
        {"dimensions": ("phone",)},
    ],
)
def test_a_masked_column_cannot_be_asked_about(use: dict[str, object]) -> None:
    with pytest.raises(Refused) as refusal:
        Record(Neighbour, read="neighbour.read", scope=(TenantWide(),), **use)
    assert refusal.value.code == "MASKED_COLUMN_TOLD"


def test_a_command_that_reveals_asks_what_for() -> None:
    async def reveal(ctx: Context, target: Neighbour, nothing: NoInput) -> Revealed:
        raise AssertionError

    declare = command("neighbour.reveal", permission="x.y", on="Neighbour", reveals="phone")
    with pytest.raises(Refused) as refusal:
        declare(reveal)
    assert refusal.value.code == "REVEAL_WITHOUT_PURPOSE"
