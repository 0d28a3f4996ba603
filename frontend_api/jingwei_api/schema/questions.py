"""Questions (提问): fields of ``Query`` that are neither a list nor a look-up of a record."""

from collections.abc import Iterator, Mapping

from jingwei_api.schema.inputs import Structs
from jingwei_api.schema.meanings import AboutPart, QuestionField, ToldRelation
from jingwei_api.schema.references import Declarations
from jingwei_api.schema.types import Argument, Field, TypeSpace, listed
from jingwei_sdk.questions import AboutRow, Question
from jingwei_sdk.records import Many, Record

Arguments = Mapping[str, tuple[Argument, ...]]


def question_fields(
    space: TypeSpace, registry: Declarations, structs: Structs, arguments: Arguments
) -> Iterator[Field]:
    """The fields of the questions of all packages; each says whose it is. ``arguments`` are those
    of the lists of each record.

    Raises ``Refused``: ``INPUT_TYPE_UNKNOWN``, ``SCHEMA_CLASH``, ``SCHEMA_NAME``.
    """
    for plugin in registry.plugins:
        for question in plugin.questions:
            given = _arguments(structs, question, plugin.id)
            if question.is_page:
                assert isinstance(question.answers, Record)
                given = (*arguments[question.answers.name], *given)
            leading = _relations(registry, question, arguments, plugin.id)
            yield Field(
                question.name,
                _answer(space, structs, (question, leading), plugin.id),
                question.description or None,
                given,
                plugin.id,
                meaning=QuestionField(question, plugin.id),
            )


def _relations(
    registry: Declarations, question: Question, arguments: Arguments, owner: str
) -> tuple[Field, ...]:
    """The fields that lead from an answer to rows, of records that are there."""
    return tuple(
        Field(
            name,
            f"{one.record}{'Connection' if isinstance(one, Many) else ''} | None",
            question.relation_texts.get(name),
            arguments[one.record] if isinstance(one, Many) else (),
            owner,
            meaning=ToldRelation(one),
        )
        for name, one in question.relations.items()
        if one.record in registry.records
    )


def _answer(
    space: TypeSpace, structs: Structs, asked: tuple[Question, tuple[Field, ...]], owner: str
) -> str:
    question, leading = asked
    answers = question.answers
    if not isinstance(answers, Record):
        name = structs.output_type(answers, answers.__name__, owner, leading)
        return f"{listed(name)} | None" if question.is_list else f"{name} | None"
    if question.about is not None:
        return _about(space, question.about, answers, owner)
    if question.is_page:
        return f"{answers.name}Connection | None"
    # Null where a row is out of the reader's sight, in a list too.
    return f"list[{answers.name} | None] | None" if question.is_list else f"{answers.name} | None"


def _about(space: TypeSpace, about: AboutRow, record: Record, owner: str) -> str:
    """The type of what is told of each row."""
    row = AboutPart(about.row, is_row=True)
    fields = [
        Field(about.row, f"{record.name} | None", about.row_description or None, meaning=row),
        *(
            Field(name, int, text or None, meaning=AboutPart(name, is_row=False))
            for name, text in about.figures.items()
        ),
    ]
    space.object(about.name, fields, owner=owner, description=about.description)
    return f"list[{about.name}] | None"


def _arguments(structs: Structs, question: Question, owner: str) -> tuple[Argument, ...]:
    """One for each field of the input."""
    if question.input is None:
        return ()
    return tuple(
        Argument(field.name, field.annotation, field.description)
        for field in structs.input_fields(question.input, owner)
    )
