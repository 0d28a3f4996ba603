"""Entering residents in the register, and correcting what it says (登记、变更)."""

import uuid
from datetime import date
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from jingwei_core.people.documents import Document, Proven, number_digest, proven
from jingwei_core.people.facts import agreed, check_days, checked_phone
from jingwei_core.people.records import PERSON, READ, WRITE
from jingwei_core.people.states import DocumentType, NumberNote, PersonStatus, Residence, Sex
from jingwei_core.people.tables import Person
from jingwei_core.text import search_text
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict

PlaceId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]
Name = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=100)]
Phone = Annotated[str, msgspec.Meta(max_length=40)]


class NewPerson(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A resident to enter; birth date and sex are only asked for where no 18-digit number says
    them, and a newborn has no document yet."""

    place_id: PlaceId
    name: Name
    residence: Residence
    document: Document | None = None
    birth_date: date | None = None
    sex: Sex | None = None
    phone: Phone | None = None
    moved_in_on: date | None = None


class PersonChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """New values of a resident; what is left out stays."""

    name: Name | UnsetType = UNSET
    residence: Residence | UnsetType = UNSET
    document: Document | UnsetType | None = UNSET
    birth_date: date | UnsetType | None = UNSET
    sex: Sex | UnsetType = UNSET
    phone: Phone | UnsetType | None = UNSET
    moved_in_on: date | UnsetType | None = UNSET


@command("person.register", permission=WRITE, at="place_id", returns=PERSON)
async def register_person(ctx: Context, new: NewPerson) -> Person:
    """登记居民: enter somebody in the register of a place; ``numberNote`` warns of an odd number.

    Raises ``Invalid`` for what cannot be right, by field; ``Conflict``: ``PERSON_REGISTERED`` with
    the ``id`` of who has the number already, ``PERSON_REGISTERED_ELSEWHERE`` if out of sight.
    """
    found = None if new.document is None else proven(new.document)
    birth, sex = agreed(found, new.birth_date, new.sex)
    check_days(ctx.today(), birthDate=birth, movedInOn=new.moved_in_on)
    values = await _kept(ctx, found, None)
    name = new.name.strip()
    stored = await ctx.data.insert(
        Person(
            place_id=new.place_id,
            name=name,
            residence=new.residence.value,
            birth_date=birth,
            sex=sex.value,
            phone=checked_phone(new.phone),
            moved_in_on=new.moved_in_on,
            search_text=search_text(name),
            **values,
        )
    )
    await ctx.signals.changed("Person", stored.id, stored.place_path)
    return stored


@command("person.change", permission=WRITE, on=PERSON)
async def change_person(ctx: Context, person: Person, change: PersonChange) -> Person:
    """变更居民信息: correct or complete what the register says; raises as ``person.register``."""
    changes: dict[str, Any] = {}
    if change.document is UNSET:
        found = _present(person)
    else:
        found = None if change.document is None else proven(change.document)
        changes |= await _kept(ctx, found, person.id)
    birth, sex = agreed(found, *_given(person, change, found))
    changes |= {"birth_date": birth, "sex": sex.value}
    for name in ("residence", "moved_in_on"):
        if (value := getattr(change, name)) is not UNSET:
            changes[name] = value
    if change.phone is not UNSET:
        changes["phone"] = checked_phone(change.phone)
    if change.name is not UNSET:
        changes["name"] = change.name.strip()
        changes["search_text"] = search_text(changes["name"])
    came = changes.get("moved_in_on", person.moved_in_on)
    check_days(ctx.today(), birthDate=birth, movedInOn=came, leftOn=person.left_on)
    stored = await ctx.data.update(person, **changes)
    await ctx.signals.changed("Person", stored.id, stored.place_path)
    return stored


def _given(
    person: Person, change: PersonChange, found: Proven | None
) -> tuple[date | None, Sex | None]:
    """Birth date and sex as the change wants them; a new number may correct both."""
    is_said = found is not None and found.birth_date is not None
    birth: date | None = None if is_said else person.birth_date
    sex = None if is_said else Sex(person.sex)
    if change.birth_date is not UNSET:
        birth = change.birth_date
    return birth, sex if change.sex is UNSET else change.sex


def _present(person: Person) -> Proven | None:
    """What the number in the register says; it was proven when it was entered."""
    number: str | None = person.document_number
    if number is None:
        return None
    return proven(Document(DocumentType(person.document_type), number, person.document_country))


async def _kept(ctx: Context, found: Proven | None, own: uuid.UUID | None) -> dict[str, Any]:
    """The columns of a document that nobody else has.

    Two who enter one number in the same moment are kept apart by the unique key: one of them hears
    ``ROW_EXISTS``, and on trying again what is said here.
    """
    if found is None:
        nothing = ("document_type", "document_number", "number_digest")
        none = NumberNote.NONE.value
        return {**dict.fromkeys(nothing), "document_country": "", "number_note": none}
    digest = number_digest(ctx, found)
    others = [one for one in await ctx.data.find(Person, number_digest=digest) if one.id != own]
    if others:
        raise _registered(ctx, others[0])
    return {
        "document_type": found.type.value,
        "document_number": found.number,
        "document_country": found.country,
        "number_digest": digest,
        "number_note": found.note.value,
    }


def _registered(ctx: Context, other: Person) -> Conflict:
    """Who has the number; of one out of sight neither who it is nor where nor whether they left."""
    if not ctx.permissions.allows(READ, other.place_path):
        return Conflict("PERSON_REGISTERED_ELSEWHERE", field="document.number")
    code = (
        "PERSON_REGISTERED" if other.status == PersonStatus.PRESENT else "PERSON_REGISTERED_BEFORE"
    )
    return Conflict(code, field="document.number", id=str(other.id))


COMMANDS = (register_person, change_person)
