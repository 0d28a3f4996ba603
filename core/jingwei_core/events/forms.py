"""Forms (表单): what a kind asks for, checked against its JSON Schema 2020-12."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry

from jingwei_sdk.errors import Invalid

MAX_BYTES = 65_536
"""A form is a few fields; photos are evidence. 64 KiB of JSON is far above any real one."""

MAX_DEPTH = 16
"""Nesting that no form has, and that keeps recursive checking short."""

PHONE = re.compile(r"\+?[0-9][0-9 \-]{4,18}[0-9]")


class Form:
    """A kind's form, ready to check with; without a schema every form must be empty."""

    def __init__(self, schema: Mapping[str, Any] | None) -> None:
        # An empty registry: a schema that points elsewhere must not make the server fetch it.
        self._validator = (
            None
            if schema is None
            else Draft202012Validator(schema, format_checker=FORMATS, registry=Registry())
        )

    def check(self, form: Mapping[str, Any]) -> dict[str, Any]:
        """See :func:`check_form`."""
        if not form and self._validator is None:
            return {}
        if _depth(form) > MAX_DEPTH or len(msgspec.json.encode(form)) > MAX_BYTES:
            raise Invalid("EVENT_FORM_TOO_LARGE", field="form", limit=MAX_BYTES, depth=MAX_DEPTH)
        normal: dict[str, Any] = _normalise(form)
        if self._validator is not None:
            _refuse_invalid(self._validator, normal)
        elif normal:
            first = f"form.{next(iter(normal))}"
            raise Invalid("EVENT_FORM_INVALID", field=first, rule="not-expected", problems=[first])
        return normal


def check_form(schema: Mapping[str, Any] | None, form: Mapping[str, Any]) -> dict[str, Any]:
    """The form with every text in NFC, valid under ``schema``; without one it must be empty.

    Raises ``Invalid`` on the field (``form.floor``, ``form.items.0.name``): ``EVENT_FORM_INVALID``
    with the broken ``rule`` and all ``problems``, ``EVENT_FORM_TOO_LARGE``. Values are never
    repeated in an error: a form may hold personal information.
    """
    return Form(schema).check(form)


def _refuse_invalid(validator: Draft202012Validator, form: Mapping[str, Any]) -> None:
    problems = sorted(
        problem for error in validator.iter_errors(form) for problem in _problems(error)
    )
    if problems:
        field, rule = problems[0]
        listed = [f"{name}: {broken}" for name, broken in problems]
        raise Invalid("EVENT_FORM_INVALID", field=field, rule=rule, problems=listed)


def _problems(error: ValidationError) -> Iterator[tuple[str, str]]:
    """The fields an error is about; a missing or extra property is named, not its parent."""
    path = ".".join(["form", *(str(part) for part in error.absolute_path)])
    rule = str(error.validator)
    instance: Any = error.instance
    if rule == "required":
        wanted: Any = error.validator_value
        missing = [name for name in wanted if name not in instance]
        # One error comes for each missing property, each listing them all.
        named = [name for name in missing if error.message.startswith(repr(name))]
        yield from ((f"{path}.{name}", rule) for name in named or missing)
    elif rule == "additionalProperties" and error.validator_value is False:
        schema: Any = error.schema
        known = schema.get("properties", {})
        patterns = schema.get("patternProperties", {})
        extra = [
            name
            for name in instance
            if name not in known and not any(re.search(pattern, name) for pattern in patterns)
        ]
        yield from ((f"{path}.{name}", "not-expected") for name in extra)
    else:
        yield path, rule


def _normalise(value: Any) -> Any:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, Mapping):
        return {_normalise(str(name)): _normalise(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normalise(item) for item in value]
    return value


def _depth(value: Any, limit: int = MAX_DEPTH + 1) -> int:
    """How deep a value nests, counted no further than ``limit``."""
    if limit == 0 or not isinstance(value, Mapping | list | tuple):
        return 0
    items = value.values() if isinstance(value, Mapping) else value
    return 1 + max((_depth(item, limit - 1) for item in items), default=0)


def _is_instant(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).utcoffset() is not None


def _is_phone(value: object) -> bool:
    return not isinstance(value, str) or PHONE.fullmatch(value) is not None


def _formats() -> FormatChecker:
    """The formats of the library, and two of ours: ``date-time`` with an offset (RFC 3339), and
    ``phone`` in digits."""
    checker = FormatChecker()
    checker.checks("date-time", raises=ValueError)(_is_instant)
    checker.checks("phone")(_is_phone)
    return checker


FORMATS = _formats()
