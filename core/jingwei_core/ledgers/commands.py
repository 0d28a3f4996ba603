"""Taking a ledger along as a sheet (导出台账): asked for, made of what the actor may see, kept.

Making is a staged command: rows are read page by page and written by a process of its own, and no
connection is held while the file goes to the store.
"""

import shutil
import tempfile
import uuid
from pathlib import Path
from typing import Annotated

import msgspec

from jingwei_core.commands.staging import CoreStage
from jingwei_core.evidence.documents import (
    KeptDocument,
    NewDocument,
    keep_document,
    record_document,
)
from jingwei_core.ledgers.reading import Wanted, page_of
from jingwei_core.ledgers.records import EXPORT, LEDGER_SHEET
from jingwei_core.ledgers.rules import rules_of
from jingwei_core.ledgers.sheets import MEDIA_TYPE, write_sheet
from jingwei_core.ledgers.tables import LedgerSheet
from jingwei_sdk.commands import Staged, command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, NotFound

MOST_ROWS = 20_000
"""More than the open problems of a subdistrict in years; a larger ledger is taken by places."""

ROWS_AT_ONCE = 500

PlaceId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]


class AskedSheet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which ledger, of which place and what lies below it."""

    place_id: PlaceId
    ledger: Annotated[str, msgspec.Meta(max_length=100)]


class Made(msgspec.Struct, frozen=True):
    """A sheet in a folder of its own, with its number of rows."""

    folder: Path
    document: NewDocument
    rows: int


class KeptSheet(msgspec.Struct, frozen=True):
    """A sheet that is kept under lock."""

    document: KeptDocument
    rows: int


@command("ledger.request", permission=EXPORT, at="place_id", returns=LEDGER_SHEET)
async def request_sheet(ctx: Context, asked: AskedSheet) -> LedgerSheet:
    """申请导出台账: ask for a sheet, which ``ledger.export`` then makes.

    Raises ``Invalid`` (``LEDGER_UNKNOWN``).
    """
    (await rules_of(ctx)).of(asked.ledger)
    return await ctx.data.insert(
        LedgerSheet(
            place_id=asked.place_id,
            account=ctx.actor.account_id,
            ledger=asked.ledger,
            language=ctx.locale,
        )
    )


async def _make(ctx: Context, sheet_id: uuid.UUID) -> Made | None:
    """The sheet with the rows in the actor's sight; ``None`` when it is made already.

    Raises ``NotFound``, ``Denied``, ``Conflict`` (``LEDGER_TOO_LONG``).
    """
    sheet = await ctx.data.get(LedgerSheet, sheet_id)
    if sheet.account != ctx.actor.account_id:
        raise NotFound("ROW_NOT_FOUND", record="LedgerSheet", id=str(sheet_id))
    ctx.require(EXPORT, sheet.place_path)
    if sheet.document is not None:
        return None
    ledger = (await rules_of(ctx)).of(sheet.ledger)
    folder = Path(tempfile.mkdtemp(prefix="ledger-"))
    try:
        rows = 0
        async with write_sheet(folder / "sheet.xlsx", ledger.title(ctx.locale)) as writer:
            await writer.add([ledger.headings(ctx.locale)])
            wanted = Wanted(ledger, sheet.place_path, ROWS_AT_ONCE)
            while page := await page_of(ctx, wanted):
                rows += len(page)
                if rows > MOST_ROWS:
                    raise Conflict("LEDGER_TOO_LONG", most=MOST_ROWS)
                await writer.add([row.cells for row in page])
                wanted = msgspec.structs.replace(wanted, after=page[-1].id)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    # Made anew it may hold other rows: each attempt has a name of its own.
    name = f"ledger-{sheet.id}-{uuid.uuid4().hex[:16]}"
    return Made(folder, NewDocument(name, MEDIA_TYPE, folder / "sheet.xlsx"), rows)


async def _keep(stage: CoreStage, made: Made) -> KeptSheet:
    try:
        return KeptSheet(await keep_document(stage, made.document), made.rows)
    finally:
        shutil.rmtree(made.folder, ignore_errors=True)


@command("ledger.export", permission=EXPORT, on=LEDGER_SHEET, staged=Staged(_make, _keep))
async def export_sheet(ctx: Context, sheet: LedgerSheet, kept: KeptSheet) -> LedgerSheet:
    """导出台账: make the sheet that was asked for; sent again, it answers the same."""
    if sheet.document is not None:
        return sheet
    document = await record_document(ctx, kept.document)
    return await ctx.data.update(sheet, document=document.id, rows=kept.rows, made_at=ctx.now())


COMMANDS = (request_sheet, export_sheet)
