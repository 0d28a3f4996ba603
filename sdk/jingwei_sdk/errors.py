"""Errors that a caller can act on: a stable code, the cause, and the next step.

The text of a code is not here but in the message catalogue (:mod:`jingwei_sdk.messages`), in
Chinese and English, so that one error reads the same in GraphQL, on the command line, in reports.
"""

from collections.abc import Mapping
from typing import ClassVar


class JingweiError(Exception):
    """Base of every error the platform raises on purpose.

    ``code`` is stable and upper-case (``EVENT_NOT_FOUND``); ``params`` fill the catalogue's text;
    ``field``, ``row`` (1-based, the header is row 1) and ``file`` say where in the input it was.
    """

    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        code: str,
        *,
        field: str | None = None,
        row: int | None = None,
        file: str | None = None,
        **params: object,
    ) -> None:
        super().__init__(code, params)
        self.code = code
        self.field = field
        self.row = row
        self.file = file
        self.params: Mapping[str, object] = params

    def __str__(self) -> str:
        """The code, its place in the input and its parameters, for logs."""
        place = " ".join(
            f"{name}={value}"
            for name, value in (
                ("file", self.file),
                ("row", self.row),
                ("field", self.field),
            )
            if value is not None
        )
        details = " ".join(f"{name}={value!r}" for name, value in self.params.items())
        return " ".join(part for part in (self.code, place, details) if part)


class Invalid(JingweiError):
    """The input breaks a rule; the same call cannot succeed unchanged."""

    status = 400


class Unauthenticated(JingweiError):
    """No valid sign-in came with the request."""

    status = 401


class Denied(JingweiError):
    """The actor is known but may not do this here."""

    status = 403


class NotFound(JingweiError):
    """The thing does not exist for this actor: absent and out of sight read the same."""

    status = 404


class Conflict(JingweiError):
    """The state has moved on: reload and decide again."""

    status = 409


class RateLimited(JingweiError):
    """Too many attempts; ``params["retry_after_s"]`` says when to come back."""

    status = 429
    retryable = True


class Unavailable(JingweiError):
    """A part the platform needs (database, object store) did not answer."""

    status = 503
    retryable = True


class Refused(JingweiError):
    """A declaration cannot be registered: it lacks what the platform demands of it."""

    status = 500
