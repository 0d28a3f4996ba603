"""Questions (查询): answers that are no list of a record, below the plugin's field of ``Query``."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from jingwei_sdk.errors import Refused
from jingwei_sdk.records import PERMISSION, Record

MOST_ROWS = 100
"""So many rows of a record does an answer name at most; what follows is left out."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A question of a package (提问).

    ``resolve(ctx)``, with an ``input`` ``resolve(ctx, input)``, answers ``answers``: a struct, or
    the id of a record's row, which is then read as every row of it is; with ``is_list`` several.
    It is run in a unit of work at whose end nothing stays of what it wrote, and has 5 seconds.
    The fields of ``input`` are the arguments of the field. ``permission`` has to be held somewhere
    in the tenant; ``signed_in`` instead of it asks for a sign-in only. ``cost`` is what an answer
    counts, the reading of one row being 1.

    Raises ``Refused`` (``QUESTION_WITHOUT_PERMISSION``, ``QUESTION_NOT_ASYNC``,
    ``COST_NEGATIVE``).
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
        if self.cost < 0:
            raise Refused("COST_NEGATIVE", name=self.name, cost=self.cost)
        if not inspect.iscoroutinefunction(self.resolve):
            raise Refused("QUESTION_NOT_ASYNC", question=self.name)
