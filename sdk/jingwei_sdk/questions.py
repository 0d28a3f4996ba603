"""Questions (提问): answers that are no list of a record, below the plugin's field of ``Query``.

Three kinds. *Narrowed* ones say which rows of a record answer: these are read in the statement of
the operation, one row, a page of rows, or a few rows with figures about each::

    def tired(asker: Asker) -> Narrowed:
        return Narrowed((AtMost("lit_since", asker.now - timedelta(days=900)),))

    Question("tired_lamps", LAMP, narrow=tired, is_page=True, permission="road-lamp.read")

*Told* ones say what the session knows of who asks, without the database; what they tell may lead to
rows, which the same statement reads::

    class Mine(msgspec.Struct, frozen=True):
        id: uuid.UUID

    Question("mine", Mine, tell=mine, relations={"lamps": Many("Lamp", "keeper_id")}, …)

*Resolved* ones are functions in a unit of work, for all else.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from jingwei_sdk.errors import Refused
from jingwei_sdk.narrowing import Narrowed
from jingwei_sdk.records import PERMISSION, Many, One, Record

MOST_ROWS = 100
"""So many rows of a record does an answer name at most; what follows is left out."""


@dataclass(frozen=True, slots=True)
class AboutRow:
    """What is told of each row where a question answers a few: an object called ``name`` with the
    row under ``row`` and a whole number for each of ``figures``; their values are descriptions.

    ``most`` rows are told, the first in the order that the question gives.
    """

    name: str
    row: str
    figures: Mapping[str, str]
    most: int = 10
    row_description: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A question of a package.

    ``narrow(asker)``, with an ``input`` ``narrow(asker, input)``, says which rows of the record
    ``answers`` answer it: a page of them with ``is_page``, a few with ``about``, else the first.

    ``resolve(ctx)``, with an ``input`` ``resolve(ctx, input)``, answers ``answers``: a struct, or
    the id of a record's row, which is then read as every row of it is; with ``is_list`` several.
    It is run in a unit of work at whose end nothing stays of what it wrote, and has 5 seconds.

    ``tell(asker)``, with an ``input`` ``tell(asker, input)``, answers a struct or ``None`` at once,
    from what the asker brings. ``relations`` are further fields of its answer: ``One`` leads from a
    field of the struct to the row with this id, ``Many`` to the rows whose column has the value of
    the struct's field ``id``; they are read in sight only. ``relation_texts`` describe them.

    The fields of ``input`` are the arguments of the field. ``permission`` has to be held somewhere
    in the tenant; ``signed_in`` instead of it asks for a sign-in only. ``cost`` is what an answer
    counts, the reading of one row being 1, beside its rows.

    Raises ``Refused`` (``QUESTION_WITHOUT_PERMISSION``, ``QUESTION_NOT_ASYNC``,
    ``QUESTION_SHAPE``, ``COST_NEGATIVE``).
    """

    name: str
    answers: type[msgspec.Struct] | Record
    resolve: Callable[..., Awaitable[Any]] | None = None
    permission: str = ""
    signed_in: bool = False
    input: type[msgspec.Struct] | None = None
    is_list: bool = False
    cost: int = 1
    description: str = ""
    narrow: Callable[..., Narrowed] | None = None
    is_page: bool = False
    about: AboutRow | None = None
    needs_rules: bool = False
    tell: Callable[..., Any] | None = None
    relations: Mapping[str, One | Many] = field(default_factory=dict)
    relation_texts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.signed_in == bool(self.permission) or (
            self.permission and not PERMISSION.match(self.permission)
        ):
            raise Refused("QUESTION_WITHOUT_PERMISSION", question=self.name)
        if self.cost < 0:
            raise Refused("COST_NEGATIVE", name=self.name, cost=self.cost)
        if self.resolve is not None and not inspect.iscoroutinefunction(self.resolve):
            raise Refused("QUESTION_NOT_ASYNC", question=self.name)
        wrong = _misshapen(self)
        if wrong:
            raise Refused("QUESTION_SHAPE", question=self.name, cause=wrong)


def _misshapen(question: Question) -> str:
    """What does not go together, in a few words; empty for nothing."""
    ways = (question.resolve, question.narrow, question.tell)
    if sum(way is not None for way in ways) != 1:
        return "exactly one of resolve, narrow and tell"
    if question.tell is None and (question.relations or question.relation_texts):
        return "relations belong to tell"
    return _untold(question) if question.tell is not None else _unread(question)


def _untold(question: Question) -> str:
    answers = question.answers
    if inspect.iscoroutinefunction(question.tell):
        return "tell is not async"
    if isinstance(answers, Record):
        return "tell answers a struct"
    if question.is_list or question.is_page or question.about or question.needs_rules:
        return "tell answers one struct"
    named = {one.column if isinstance(one, One) else "id" for one in question.relations.values()}
    unknown = sorted(named - set(answers.__struct_fields__))
    if unknown:
        return f"relations lead from {', '.join(unknown)}, which its answer does not have"
    doubled = sorted(question.relations.keys() & set(answers.__struct_fields__))
    return f"{', '.join(doubled)} twice" if doubled else ""


def _unread(question: Question) -> str:
    is_narrowed = question.narrow is not None
    if is_narrowed and not isinstance(question.answers, Record):
        return "narrow answers a record"
    if is_narrowed and (question.is_list or (question.is_page and question.about is not None)):
        return "narrow answers one row, a page, or about rows"
    if not is_narrowed and (question.is_page or question.about or question.needs_rules):
        return "is_page, about and needs_rules belong to narrow"
    return ""
