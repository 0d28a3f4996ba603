"""Questions about residents (人口提问): who has the document that somebody shows."""

import uuid

import msgspec

from jingwei_core.people.documents import Document, Number, number_digest, proven
from jingwei_core.people.records import PERSON, READ
from jingwei_core.people.states import DocumentType
from jingwei_core.people.tables import Person
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid
from jingwei_sdk.questions import Question


class DocumentShown(msgspec.Struct, frozen=True):
    """A document, exactly as it was shown."""

    document_type: DocumentType
    document_number: Number
    document_country: str = ""


async def person_of(ctx: Context, shown: DocumentShown) -> uuid.UUID | None:
    """Who has this document, in sight of the asker.

    Out of sight, not in the register, and no number at all are one answer: nobody.
    """
    document = Document(shown.document_type, shown.document_number, shown.document_country)
    try:
        found = proven(document)
    except Invalid:
        return None
    for person in await ctx.data.find(Person, number_digest=number_digest(ctx, found)):
        if ctx.permissions.allows(READ, person.place_path):
            return person.id
    return None


QUESTIONS = (
    Question(
        "person_of_document",
        PERSON,
        resolve=person_of,
        input=DocumentShown,
        permission=READ,
        cost=10,
        description="The resident in my sight who has exactly this document (按证件查找).",
    ),
)
