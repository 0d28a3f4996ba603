"""How the rules of ledgers and the sheets that were made are read."""

from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_core.ledgers.tables import LedgerRules, LedgerSheet
from jingwei_core.meetings.records import document_links
from jingwei_sdk.context import Context
from jingwei_sdk.records import Computed, One, OwnedBy, Record, TenantWide

READ, EXPORT = "ledger.read", "ledger.export"


async def _links(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[str | None]:
    return await document_links(ctx, [row["document"] for row in rows])


LEDGER_RULES = Record(
    LedgerRules,
    read="department.read",
    scope=(TenantWide(),),
    plural="ledgerRulesInForce",
    description="Which ledgers there are, of what, with which columns (台账设置).",
)
LEDGER_SHEET = Record(
    LedgerSheet,
    read=EXPORT,
    scope=(OwnedBy("account"),),
    filters=("ledger", "made_at"),
    sort=("created_at",),
    hidden=frozenset({"place_path"}),
    relations={"place": One("place_id", "Place")},
    computed={
        "url": Computed(str | None, ("document",), _links, description="the file, as a download")
    },
)

RECORDS = (LEDGER_RULES, LEDGER_SHEET)
