"""Names as GraphQL spells them."""

import re

_WORD_BREAK = re.compile(r"[_.\-]+([a-zA-Z0-9])")
NAME = re.compile(r"^[_A-Za-z][_0-9A-Za-z]*$")


def camel(name: str) -> str:
    """``state_due_at`` and ``state-due.at`` as ``stateDueAt``."""
    return _WORD_BREAK.sub(lambda match: match[1].upper(), name.strip("_.-"))


def pascal(name: str) -> str:
    """``event.report`` as ``EventReport``."""
    spelt = camel(name)
    return spelt[:1].upper() + spelt[1:]


def lower_first(name: str) -> str:
    """``EventKind`` as ``eventKind``."""
    return name[:1].lower() + name[1:]
