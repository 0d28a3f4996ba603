"""Declarations of figures: what may be grouped, measured and kept, and what is refused."""

import pytest
from piccolo.columns import JSONB, Boolean, Date, Integer, Text, Timestamptz

from jingwei_sdk.errors import Refused
from jingwei_sdk.figures import Rollup
from jingwei_sdk.records import AtPlace, Record, TenantWide, Through
from jingwei_sdk.tables import PlacedTable


class Lamp(PlacedTable, tablename="lamp", schema="probe"):
    """路灯: a street lamp."""

    kind = Text(default="", null=False)
    is_lit = Boolean(default=True, null=False)
    watts = Integer(default=0, null=False)
    built_on = Date(default=None, null=True)
    seen_at = Timestamptz(default=None, null=True)
    secret = Text(default="", null=False)
    form = JSONB(default="{}", null=False)


def lamp(**more: object) -> Record:
    given = {"dimensions": ("kind", "is_lit", "watts", "built_on", "seen_at", "secret"), **more}
    scope = given.pop("scope", (AtPlace(),))
    return Record(Lamp, read="lamp.read", scope=scope, **given)  # type: ignore[arg-type]


def test_what_can_be_counted_is_taken() -> None:
    kept = (Rollup(("kind", "is_lit")), Rollup(("kind",), day="seen_at"), Rollup((), "built_on"))
    record = lamp(measures=("watts", "seen_at", "built_on"), rollups=kept)
    assert [rollup.columns for rollup in record.rollups] == [
        ("kind", "is_lit"),
        ("kind", "seen_at"),
        ("built_on",),
    ]
    assert lamp(scope=(TenantWide(),), rollups=(Rollup(("kind",)),)).rollups


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"dimensions": ("form",)}, "RECORD_DIMENSION_TYPE"),
        ({"dimensions": ("nothing",)}, "RECORD_UNKNOWN_COLUMN"),
        ({"measures": ("kind",)}, "RECORD_MEASURE_TYPE"),
        ({"measures": ("nothing",)}, "RECORD_UNKNOWN_COLUMN"),
        ({"hidden": frozenset({"kind"})}, "HIDDEN_COLUMN_TOLD"),
        ({"measures": ("watts",), "hidden": frozenset({"watts"})}, "HIDDEN_COLUMN_TOLD"),
        ({"rollups": (Rollup(()),)}, "ROLLUP_UNFIT"),
        ({"rollups": (Rollup(("kind", "is_lit", "watts", "secret")),)}, "ROLLUP_UNFIT"),
        ({"rollups": (Rollup(("kind", "kind")),)}, "ROLLUP_UNFIT"),
        ({"rollups": (Rollup(("created_at",)),)}, "ROLLUP_UNFIT"),
        ({"rollups": (Rollup(("seen_at",)),)}, "ROLLUP_UNFIT"),
        ({"rollups": (Rollup(("kind",), day="is_lit"),)}, "ROLLUP_UNFIT"),
        ({"rollups": (Rollup(("kind",), depth=0),)}, "ROLLUP_UNFIT"),
        (
            {"rollups": (Rollup(("secret",)),), "guarded": {"secret": "lamp.secret"}},
            "ROLLUP_UNFIT",
        ),
        ({"rollups": (Rollup(("nothing",)),)}, "RECORD_UNKNOWN_COLUMN"),
        (
            {"rollups": (Rollup(("kind",)),), "scope": (Through("place_id", "Place"),)},
            "ROLLUP_WITHOUT_PLACE",
        ),
    ],
)
def test_what_cannot_be_counted_is_refused(more: dict[str, object], code: str) -> None:
    with pytest.raises(Refused) as refusal:
        lamp(**more)
    assert refusal.value.code == code
