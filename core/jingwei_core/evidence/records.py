"""How evidence is read: by whoever uploaded it, and through the steps it was attached to."""

from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_core.evidence.links import evidence_links
from jingwei_core.evidence.tables import Evidence
from jingwei_sdk.context import Context
from jingwei_sdk.records import Computed, OwnedBy, Record, Resolve

DEGREE_E7 = 10_000_000


def _degrees(column: str) -> Resolve:
    async def resolve(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> Sequence[object]:
        return [None if row[column] is None else row[column] / DEGREE_E7 for row in rows]

    return resolve


EVIDENCE = Record(
    Evidence,
    read="evidence.read",
    scope=(OwnedBy("owner"),),
    filters=("status",),
    sort=("created_at",),
    hidden=frozenset({"store_key", "derivative_key", "thumbnail_key", "lon_e7", "lat_e7"}),
    computed={
        **evidence_links(),
        "lon": Computed(float | None, ("lon_e7",), _degrees("lon_e7"), description="degrees"),
        "lat": Computed(float | None, ("lat_e7",), _degrees("lat_e7"), description="degrees"),
    },
)

RECORDS = (EVIDENCE,)
