"""Questions (查询): answers that are no list of a record, below the plugin's field of ``Query``."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from jingwei_sdk.errors import Refused
from jingwei_sdk.records import PERMISSION, Record


@dataclass(frozen=True, slots=True)
class Question:
    """``resolve(ctx, input)`` answers ``answers``: a struct, or ids of a record's rows, which are
    then read as every row of it is. ``signed_in`` instead of a permission asks for a sign-in only.

    Raises ``Refused`` (``QUESTION_WITHOUT_PERMISSION``, ``QUESTION_NOT_ASYNC``).
    """

    name: str
    answers: type[msgspec.Struct] | Record
    resolve: Callable[..., Awaitable[Any]]
    permission: str = ""
    signed_in: bool = False
    input: type[msgspec.Struct] | None = None
    is_list: bool = False
    cost: int = 1
    description: str = ""

    def __post_init__(self) -> None:
        if self.signed_in == bool(self.permission) or (
            self.permission and not PERMISSION.match(self.permission)
        ):
            raise Refused("QUESTION_WITHOUT_PERMISSION", question=self.name)
        if not inspect.iscoroutinefunction(self.resolve):
            raise Refused("QUESTION_NOT_ASYNC", question=self.name)
