"""Public reports (公众上报): the thread between a resident without an account and an event.

The event is an event like any other. Here is only what belongs to the resident: the digest of the
tracking code, how to be reached, and what they thought of the outcome. A reporter's contact lies
apart from the event, so that who handles it does not see it.
"""

from piccolo.columns import JSONB, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete

from jingwei_core.access.tables import Account
from jingwei_core.events.tables import Event
from jingwei_sdk.personal import Mask, Personal, Sensitivity
from jingwei_sdk.tables import PlacedTable, TenantFK, TenantTable


def _contact(purpose_zh: str, purpose_en: str, mask: Mask) -> Personal:
    """What a resident leaves of their own will; the tenant's rules remove it sooner."""
    return Personal(
        purpose_zh,
        purpose_en,
        "个人信息保护法 PIPL art. 13(1)(1) 本人自愿填写, 47",
        Sensitivity.GENERAL,
        "P1Y",
        mask=mask,
        counted_from="结案之日 closing of the event",
    )


class PublicReport(PlacedTable, tablename="public_report", schema="core"):
    """公众上报: a resident's report; its place is where the event was reported."""

    UNIQUE = (("event",), ("code_digest",))
    PERSONAL = {
        "name": _contact("回访时称呼", "addressing whoever is called back", Mask.NAME),
        "phone": _contact("核实和回访", "calling back about the report", Mask.PHONE),
    }

    event = TenantFK(Event, null=False, on_delete=OnDelete.restrict)
    code_digest = Text(
        default=None, null=False, help_text="of the tracking code, which is not kept"
    )
    name = Text(default=None, null=True)
    phone = Text(default=None, null=True)
    contact_removed_at = Timestamptz(default=None, null=True)
    answer = Text(default="", null=False, help_text="what the resident is told")
    answered_at = Timestamptz(default=None, null=True)
    answered_by = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
    rating = Integer(default=None, null=True, help_text="1 to 5, of the last closing")
    opinion = Text(default="", null=False, help_text="the resident's words to the rating")
    rated_at = Timestamptz(default=None, null=True)
    reopened = Integer(default=0, null=False, help_text="how often the resident had it reopened")


class PublicReportRules(TenantTable, tablename="public_report_rules", schema="core"):
    """公众上报规则: one row a tenant; what its package says in ``public.toml``."""

    UNIQUE = ((),)
    IS_SMALL = True

    definition = JSONB(default=None, null=False, help_text="reads as public.toml")
