"""The question for a page of a ledger (台账)."""

import uuid
from typing import Annotated

import msgspec

from jingwei_core.ledgers.reading import Wanted, page_of, row_after
from jingwei_core.ledgers.records import READ
from jingwei_core.ledgers.rules import rules_of
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import NotFound
from jingwei_sdk.questions import Question

MOST = 100
COST = 50
"""What a page counts: it reads as many rows, with what each names."""

PlaceId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]


class LedgerAsked(msgspec.Struct, frozen=True):
    """Which ledger, of which place and what lies below it, and where the page begins."""

    ledger: Annotated[str, msgspec.Meta(max_length=100)]
    place_id: PlaceId
    after: Annotated[str, msgspec.Meta(max_length=40)] = ""
    first: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 50


class LedgerPage(msgspec.Struct, frozen=True):
    """A page of a ledger (台账).

    ``cells`` are those of all rows one behind the other, as many to a row as there are columns.
    """

    title: Annotated[str, msgspec.Meta(description="What the ledger is called.")]
    headings: Annotated[tuple[str, ...], msgspec.Meta(description="Of its columns.")]
    cells: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="Row by row, as many to a row as there are headings."),
    ]
    next: Annotated[
        str | None, msgspec.Meta(description="Where the next page begins; null for no more.")
    ]


async def ledger_page(ctx: Context, asked: LedgerAsked) -> LedgerPage:
    """A page of a ledger, with what the actor may see.

    Raises ``Invalid`` (``LEDGER_UNKNOWN``, ``LEDGER_AFTER``), ``NotFound`` (``PLACE_NOT_FOUND``).
    """
    ledger = (await rules_of(ctx)).of(asked.ledger)
    path = await place_path(ctx, asked.place_id, READ)
    wanted = Wanted(ledger, path, asked.first + 1, row_after(asked.after))
    rows = await page_of(ctx, wanted)
    shown = rows[: asked.first]
    return LedgerPage(
        title=ledger.title(ctx.locale),
        headings=tuple(ledger.headings(ctx.locale)),
        cells=tuple(cell for row in shown for cell in row.cells),
        next=str(shown[-1].id) if len(rows) > asked.first else None,
    )


async def place_path(ctx: Context, place_id: uuid.UUID, permission: str) -> str:
    """The path of a place where the permission is held.

    Raises ``NotFound`` (``PLACE_NOT_FOUND``) for a place out of sight, ``Denied``.
    """
    assert isinstance(ctx, CoreContext)
    place = await ctx.platform.places.find(ctx.unit, place_id)
    if place is None or not ctx.permissions.allows("place.read", place.path):
        raise NotFound("PLACE_NOT_FOUND", field="placeId", id=str(place_id))
    ctx.require(permission, place.path)
    found: str = place.path
    return found


QUESTIONS = (
    Question(
        "ledger_page",
        LedgerPage,
        resolve=ledger_page,
        permission=READ,
        input=LedgerAsked,
        cost=COST,
        description="A page of a ledger, generated from the records in my sight (台账).",
    ),
)
