"""Masks (掩码) in SQL: the same text that :func:`jingwei_sdk.personal.mask_value` shows."""

from jingwei_core.reading.json_text import literal
from jingwei_sdk.personal import HIDDEN, Mask


def masked_sql(mask: Mask, column: str) -> str:
    """What may be shown of a column, as text; null where the column is null."""
    text = f"{column}::text"
    hidden = literal(HIDDEN)
    shown = {
        Mask.PHONE: (11, f"left({text}, 3) || {hidden} || right({text}, 4)"),
        Mask.ID_NUMBER: (
            15,
            f"left({text}, 3) || repeat('*', length({text}) - 5) || right({text}, 2)",
        ),
        Mask.NAME: (1, f"left({text}, 1) || '**'"),
    }.get(mask)
    if shown is None:
        return f"CASE WHEN {column} IS NOT NULL THEN {hidden} END"
    length, sql = shown
    return (
        f"CASE WHEN length({text}) >= {length} THEN {sql}"
        f" WHEN {column} IS NOT NULL THEN {hidden} END"
    )
