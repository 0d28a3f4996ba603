"""Residents who move, leave, die or come back (迁移、注销)."""

import uuid
from datetime import date
from typing import Annotated

import msgspec

from jingwei_core.people.documents import Document, number_digest, proven
from jingwei_core.people.entering import PlaceId
from jingwei_core.people.facts import check_days
from jingwei_core.people.records import PERSON, WRITE
from jingwei_core.people.states import PersonStatus, Residence
from jingwei_core.people.tables import Person
from jingwei_core.session import CoreContext
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, NotFound

Day = Annotated[date | None, msgspec.Meta(description="Null: today.")]


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where somebody lives from a day on."""

    place_id: PlaceId
    on: Day = None


class Leaving(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The day from which somebody does not live there any more."""

    on: Day = None


class Return(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Since when somebody lives there again; null for since when the register says: they never
    left."""

    on: date | None = None


class TakingIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who came, by the document that they showed."""

    place_id: PlaceId
    document: Document
    residence: Residence
    on: Day = None


@command("person.move", permission=WRITE, on=PERSON)
async def move_person(ctx: Context, person: Person, move: Move) -> Person:
    """迁移: somebody moved to another place where the actor may write, too.

    Raises ``NotFound`` (``PLACE_NOT_FOUND``), ``Denied``, ``Conflict``: ``PERSON_NOT_PRESENT``,
    ``PERSON_THERE``; ``Invalid`` for the day.
    """
    await _check_may_write(ctx, move.place_id)
    _check_present(person)
    if person.place_id == move.place_id:
        raise Conflict("PERSON_THERE", field="placeId")
    return await _settle(ctx, person, move.place_id, move.on or ctx.today())


@command("person.move-away", permission=WRITE, on=PERSON)
async def move_away(ctx: Context, person: Person, leaving: Leaving) -> Person:
    """迁出: somebody does not live there any more; whoever they come to may take them in."""
    _check_present(person)
    return await _leave(ctx, person, PersonStatus.MOVED_AWAY, leaving.on)


@command("person.mark-deceased", permission=WRITE, on=PERSON)
async def mark_deceased(ctx: Context, person: Person, leaving: Leaving) -> Person:
    """死亡注销: somebody died, there or after they had moved away."""
    if person.status == PersonStatus.DECEASED:
        raise Conflict("PERSON_DECEASED")
    return await _leave(ctx, person, PersonStatus.DECEASED, leaving.on)


@command("person.bring-back", permission=WRITE, on=PERSON)
async def bring_back(ctx: Context, person: Person, back: Return) -> Person:
    """恢复在住: somebody lives there again, or never left."""
    if person.status == PersonStatus.PRESENT:
        raise Conflict("PERSON_PRESENT")
    came: date | None = back.on or person.moved_in_on
    check_days(ctx.today(), birthDate=person.birth_date, on=came)
    stored = await ctx.data.update(
        person, status=PersonStatus.PRESENT.value, left_on=None, moved_in_on=came
    )
    await ctx.signals.changed("Person", stored.id, stored.place_path)
    return stored


@command("person.take-in", permission=WRITE, at="place_id", returns=PERSON)
async def take_in(ctx: Context, coming: TakingIn) -> Person:
    """迁入: who moved away elsewhere in the city, and shows their document, lives here now.

    Raises ``Invalid`` as ``person.register`` for the document; ``Conflict`` (``PERSON_NOT_AWAY``)
    for whoever did not move away and for numbers that nobody has: the answer does not tell which.
    """
    digest = number_digest(ctx, proven(coming.document))
    found = await ctx.data.find(Person, number_digest=digest)
    person = await ctx.data.lock(Person, found[0].id) if found else None
    if person is None or person.status != PersonStatus.MOVED_AWAY or person.number_digest != digest:
        raise Conflict("PERSON_NOT_AWAY", field="document.number")
    day, kind = coming.on or ctx.today(), coming.residence
    return await _settle(ctx, person, coming.place_id, day, kind)


async def _settle(
    ctx: Context, person: Person, place_id: uuid.UUID, day: date, kind: Residence | None = None
) -> Person:
    before = person.place_path
    check_days(ctx.today(), birthDate=person.birth_date, on=day)
    stored = await ctx.data.update(
        person,
        place_id=place_id,
        residence=person.residence if kind is None else kind.value,
        status=PersonStatus.PRESENT.value,
        moved_in_on=day,
        left_on=None,
    )
    await ctx.signals.changed("Person", stored.id, before)
    await ctx.signals.changed("Person", stored.id, stored.place_path)
    return stored


async def _leave(ctx: Context, person: Person, status: PersonStatus, on: date | None) -> Person:
    day = on or ctx.today()
    check_days(ctx.today(), birthDate=person.birth_date, movedInOn=person.moved_in_on, on=day)
    stored = await ctx.data.update(person, status=status.value, left_on=day)
    await ctx.signals.changed("Person", stored.id, stored.place_path)
    return stored


def _check_present(person: Person) -> None:
    if person.status != PersonStatus.PRESENT:
        raise Conflict("PERSON_NOT_PRESENT")


async def _check_may_write(ctx: Context, place_id: uuid.UUID) -> None:
    """A place out of sight reads like one that is not there."""
    assert isinstance(ctx, CoreContext)
    place = await ctx.platform.places.find(ctx.unit, place_id)
    if place is None or not ctx.permissions.allows("place.read", place.path):
        raise NotFound("PLACE_NOT_FOUND", field="placeId", id=str(place_id))
    ctx.require(WRITE, place.path)


COMMANDS = (move_person, move_away, mark_deceased, bring_back, take_in)
