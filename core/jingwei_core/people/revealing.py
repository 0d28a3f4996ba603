"""Seeing what is masked of a resident (按用途查看)."""

from jingwei_core.people.facts import is_child
from jingwei_core.people.records import PERSON, REVEAL, REVEAL_CHILD
from jingwei_core.people.tables import Person
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.personal import Revealed, RevealPurpose, revealed


@command("person.reveal-number", permission=REVEAL, on=PERSON, reveals="document_number")
async def reveal_number(ctx: Context, person: Person, why: RevealPurpose) -> Revealed:
    """查看证件号码: the number in clear for 60 seconds; the purpose goes into the audit log."""
    _check_child(ctx, person)
    return revealed(person.document_number, ctx.clock.now())


@command("person.reveal-phone", permission=REVEAL, on=PERSON, reveals="phone")
async def reveal_phone(ctx: Context, person: Person, why: RevealPurpose) -> Revealed:
    """查看居民电话: the phone in clear for 60 seconds; the purpose goes into the audit log."""
    _check_child(ctx, person)
    return revealed(person.phone, ctx.clock.now())


def _check_child(ctx: Context, person: Person) -> None:
    """Of a child under 14 it takes a permission of its own (PIPL articles 28 and 31)."""
    if is_child(person.birth_date, ctx.today()):
        ctx.require(REVEAL_CHILD, person.place_path)


COMMANDS = (reveal_number, reveal_phone)
