"""Filling a form for a demo event (演示表单): the least that its JSON Schema asks for."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any


def filled(
    schema: Mapping[str, Any] | None,
    at: datetime,
    turn: int,
    names: Iterable[str] | None = None,
) -> dict[str, Any]:
    """Values for the required properties, or for those that are named; ``turn`` chooses among the
    listed ones."""
    if schema is None:
        return {}
    properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
    wanted = schema.get("required", ()) if names is None else names
    return {name: _value(properties[name], at, turn) for name in wanted}


def _value(schema: Mapping[str, Any], at: datetime, turn: int) -> Any:
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][turn % len(schema["enum"])]
    kind = schema.get("type")
    if kind == "boolean":
        return turn % 3 == 0
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 1), 1)
    if kind == "array":
        return [_value(schema["items"], at, turn)]
    if schema.get("format") == "date":
        return at.date().isoformat()
    if schema.get("format") == "date-time":
        return at.isoformat(timespec="seconds")
    if schema.get("format") == "phone":
        return "0717-0000000"
    return str(schema.get("title", "演示"))
