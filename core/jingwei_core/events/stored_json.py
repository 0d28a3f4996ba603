"""JSON columns: a raw statement gives their text, a row read through the context their value."""

from typing import Any

import msgspec


def stored_json(value: Any) -> Any:
    """The value of a JSON column, however it was read."""
    return msgspec.json.decode(value) if isinstance(value, str | bytes) else value
