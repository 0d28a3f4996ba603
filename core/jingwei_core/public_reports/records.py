"""How public reports are read: at the place of the report, with the contact masked."""

from jingwei_core.public_reports.tables import PublicReport, PublicReportRules
from jingwei_sdk.records import AtPlace, One, Record, TenantWide

READ, ANSWER, CONTACT = "public-report.read", "public-report.answer", "public-report.contact"

PUBLIC_REPORT_RULES = Record(
    PublicReportRules,
    read="place.read",
    scope=(TenantWide(),),
    plural="publicReportRulesInForce",
    description="How the tenant takes reports of the public (公众上报规则).",
)
PUBLIC_REPORT = Record(
    PublicReport,
    read=READ,
    scope=(AtPlace(),),
    filters=("event", "place_id", "rating"),
    sort=("created_at",),
    hidden=frozenset({"place_path", "code_digest"}),
    relations={
        "event": One("event", "Event"),
        "place": One("place_id", "Place"),
        "answered_by": One("answered_by", "Account"),
    },
)

RECORDS = (PUBLIC_REPORT_RULES, PUBLIC_REPORT)
