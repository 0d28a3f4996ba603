"""Ledgers (台账) are no tables: here is what says which there are, and which sheets were made."""

from piccolo.columns import JSONB, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete

from jingwei_core.access.tables import Account
from jingwei_core.evidence.tables import Evidence
from jingwei_sdk.tables import PlacedTable, TenantFK, TenantTable


class LedgerRules(TenantTable, tablename="ledger_rules", schema="core"):
    """台账设置: one row a tenant; what its package says in ``ledgers.toml``."""

    UNIQUE = ((),)
    IS_SMALL = True

    definition = JSONB(default=None, null=False, help_text="reads as ledgers.toml")


class LedgerSheet(PlacedTable, tablename="ledger_sheet", schema="core"):
    """台账导出: a ledger of a place as a file, with what its maker could see then."""

    account = TenantFK(Account, null=False, on_delete=OnDelete.restrict)
    ledger = Text(default=None, null=False, help_text="a ledger of ledgers.toml")
    language = Text(default="zh", null=False)
    rows = Integer(default=None, null=True, help_text="how many it holds, once it is made")
    made_at = Timestamptz(default=None, null=True)
    document = TenantFK(Evidence, null=True, on_delete=OnDelete.restrict)
