"""Global ids: one spelling for each row, and nothing else is one."""

import binascii
import uuid

import pytest

from jingwei_api.schema.global_id import decode, decode_as, encode
from jingwei_sdk.errors import Invalid

ROW = uuid.UUID("01a20441-6d50-7286-ab13-f68873ba4cd3")


def spelt(text: str) -> str:
    return binascii.b2a_base64(text.encode(), newline=False).decode()


def test_an_id_names_its_row_each_time() -> None:
    told = encode("Place", ROW)
    for _ in range(2):
        assert decode(told) == ("Place", ROW)
        assert decode_as("Place", told) == ROW
        with pytest.raises(Invalid, match="ID_OF_OTHER_TYPE"):
            decode_as("Event", told)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Place",
        spelt("Place"),
        spelt(f"Place:{str(ROW).upper()}"),
        spelt(f"Place:{ROW.hex}"),
        spelt(f"Place:{ROW}") + "\n",
        spelt(f"{'P' * 300}:{ROW}"),
        "地点",
    ],
)
def test_other_texts_are_refused_each_time_with_their_field(value: str) -> None:
    for field in ("id", "input.placeId"):
        with pytest.raises(Invalid, match="ID_INVALID") as refused:
            decode(value, field)
        assert refused.value.field == field
