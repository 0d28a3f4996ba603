"""Questions (提问): fields of ``Query`` that are neither a list nor a look-up of a record."""

from collections.abc import Iterator

from jingwei_api.schema.inputs import Structs
from jingwei_api.schema.meanings import QuestionField
from jingwei_api.schema.references import Declarations
from jingwei_api.schema.types import Argument, Field, listed
from jingwei_sdk.questions import Question
from jingwei_sdk.records import Record


def question_fields(registry: Declarations, structs: Structs) -> Iterator[Field]:
    """The fields of the questions of all packages; each says whose it is.

    Raises ``Refused``: ``INPUT_TYPE_UNKNOWN``, ``SCHEMA_CLASH``, ``SCHEMA_NAME``.
    """
    for plugin in registry.plugins:
        for question in plugin.questions:
            yield Field(
                question.name,
                _answer(structs, question, plugin.id),
                question.description or None,
                _arguments(structs, question, plugin.id),
                plugin.id,
                meaning=QuestionField(question, plugin.id),
            )


def _answer(structs: Structs, question: Question, owner: str) -> str:
    answers = question.answers
    if isinstance(answers, Record):
        # Null where a row is out of the reader's sight, in a list too.
        return (
            f"list[{answers.name} | None] | None" if question.is_list else f"{answers.name} | None"
        )
    name = structs.output_type(answers, answers.__name__, owner)
    return f"{listed(name)} | None" if question.is_list else f"{name} | None"


def _arguments(structs: Structs, question: Question, owner: str) -> tuple[Argument, ...]:
    """One for each field of the input."""
    if question.input is None:
        return ()
    return tuple(
        Argument(field.name, field.annotation, field.description)
        for field in structs.input_fields(question.input, owner)
    )
