"""What two definitions of a workflow say differently (流程比较)."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from jingwei_core.events.workflow import WorkflowDefinition

_LISTS = {"states": "state", "actions": "action"}


class Difference(msgspec.Struct, frozen=True):
    """One thing that differs: a ``state``, an ``action`` or the ``workflow`` itself.

    ``key`` is empty where the whole part is new (``before`` is ``None``) or gone (``after`` is).
    """

    what: str
    code: str
    key: str = ""
    before: Any = None
    after: Any = None

    def lines(self) -> Iterator[str]:
        """As people read a comparison."""
        if not self.key:
            yield f"{'+' if self.before is None else '-'} {self.what} {self.code}"
            return
        for sign, value in (("-", self.before), ("+", self.after)):
            if value is not None:
                yield f"{sign} {self.what} {self.code} {self.key}: {_told(value)}"


def _told(value: Any) -> str:
    """Words as they are, and what is made of parts as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return msgspec.json.encode(value).decode()


def differences(old: WorkflowDefinition, new: WorkflowDefinition) -> list[Difference]:
    """All differences: the workflow's own keys first, then states, then actions."""
    before, after = old.document(), new.document()
    found = list(_keys("workflow", new.code, _own(before), _own(after)))
    for name, what in _LISTS.items():
        was, now = _by_code(before[name]), _by_code(after[name])
        found += [Difference(what, code, before=was[code]) for code in was if code not in now]
        for code, part in now.items():
            if code not in was:
                found.append(Difference(what, code, after=part))
            else:
                found += _keys(what, code, was[code], part)
    return found


def _own(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in _LISTS}


def _by_code(parts: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {part["code"]: part for part in parts}


def _keys(
    what: str, code: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Difference]:
    for key in dict.fromkeys((*before, *after)):
        if before.get(key) != after.get(key):
            yield Difference(what, code, key, before.get(key), after.get(key))
