"""Asking (提问): questions of packages, answered by functions before the statement is planned.

What they answer is put beside the variables; rows that they name are read by the statement, in
sight only, like all others.
"""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphql import GraphQLError

from jingwei_api.planning.arguments import input_of
from jingwei_api.planning.asking_at_once import failed
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.plain import plain_object
from jingwei_api.schema.meanings import QuestionField, SpaceField
from jingwei_core.commands.plugin_context import given_to
from jingwei_core.session import CoreContext
from jingwei_sdk.errors import JingweiError
from jingwei_sdk.questions import MOST_ROWS, Question
from jingwei_sdk.records import Record

WITHIN_S = 5.0


class _Answered(Exception):
    """Leaves the savepoint, so that whatever a question wrote is undone."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer


def slot_of(chosen: Chosen) -> str:
    """Under this name the variables hold the answer to a question; no variable can have it."""
    return f"#answer.{'.'.join(chosen.path)}"


def questions_in(chosen: Sequence[Chosen]) -> Iterator[Chosen]:
    """The questions that functions answer, among the fields of the root and of the namespaces."""
    for one in chosen:
        if isinstance(one.meaning, QuestionField):
            if one.meaning.question.resolve is not None:
                yield one
        elif isinstance(one.meaning, SpaceField):
            yield from questions_in(one.below())


async def ask(ctx: CoreContext, asking: Sequence[Chosen], variables: dict[str, Any]) -> None:
    """Put the answers beside the variables: ids of rows as a list, structs as JSON, a refusal as
    itself."""
    for chosen in asking:
        try:
            variables[slot_of(chosen)] = await _answer(ctx, chosen, variables)
        except (JingweiError, GraphQLError) as refusal:
            variables[slot_of(chosen)] = refusal


async def _answer(ctx: CoreContext, chosen: Chosen, variables: Mapping[str, Any]) -> Any:
    meaning: QuestionField = chosen.meaning
    question = meaning.question
    if question.permission:
        ctx.require(question.permission)
    told = () if question.input is None else (input_of(question.input, chosen, variables),)
    resolve = question.resolve
    assert resolve is not None
    point = (ctx.tenant.id, meaning.owner, f"question:{question.name}")

    async def work() -> Any:
        async with ctx.data.savepoint():
            raise _Answered(await resolve(given_to(meaning.owner, ctx), *told))

    try:
        await ctx.platform.hooks.guarded(point, work, WITHIN_S, (JingweiError, _Answered))
    except _Answered as found:
        try:
            return _checked(question, chosen, found.answer)
        except Exception as error:
            raise failed(meaning, error) from error
    except JingweiError:
        raise
    except Exception as error:
        raise failed(meaning, error) from error


def _checked(question: Question, chosen: Chosen, answer: Any) -> Any:
    if isinstance(question.answers, Record):
        if not question.is_list:
            return [] if answer is None else [_row_id(answer)]
        return [_row_id(one) for one in list(answer)[:MOST_ROWS]]
    if answer is None:
        return None
    below = chosen.below()
    if question.is_list:
        return [plain_object(below, one) for one in answer]
    return plain_object(below, answer)


def _row_id(answer: Any) -> uuid.UUID:
    """The id of a row that was answered as itself or as its id."""
    return uuid.UUID(str(getattr(answer, "id", answer)))
