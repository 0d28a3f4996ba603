"""Rights of residents (居民的个人信息权利), by the id of their row in the register.

They have no account. Nothing in the core refers to a resident; what a plugin keeps about one it
answers for itself, with rights of its own for ``Person``.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from jingwei_core.people.tables import Person
from jingwei_core.privacy.answering import changed_by, rows_by_topic
from jingwei_sdk.context import Context
from jingwei_sdk.data_rights import PERSON, DataRights
from jingwei_sdk.errors import NotFound

_PERSON = (
    "SELECT p.name, p.document_type, p.document_country, p.document_number, p.birth_date, p.sex,"
    " p.phone, p.residence, p.status, p.moved_in_on, p.left_on, l.name AS place, p.created_at,"
    " p.updated_at FROM core.person p JOIN core.place l ON l.id = p.place_id WHERE p.id = $1"
)
_ERASURES = ("DELETE FROM core.person WHERE id = $1",)


async def export_person(ctx: Context, person: UUID) -> Mapping[str, Any]:
    """All that the register says of somebody, their own number and phone in clear.

    Raises ``NotFound`` (``SUBJECT_UNKNOWN``).
    """
    found = await rows_by_topic(ctx, {"people": _PERSON}, person)
    if not found["people"]:
        raise _unknown(person)
    return found


async def erase_person(ctx: Context, person: UUID) -> int:
    """Take somebody out of the register: one row; raises as :func:`export_person`."""
    changed = await changed_by(ctx, _ERASURES, person)
    if not changed:
        raise _unknown(person)
    return changed


def _unknown(person: UUID) -> NotFound:
    return NotFound("SUBJECT_UNKNOWN", record=PERSON, who=str(person))


RIGHTS = (DataRights(PERSON, export_person, erase_person, (Person,)),)
