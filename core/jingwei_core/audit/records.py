"""How the audit log is read."""

from jingwei_core.audit.tables import AuditEntry
from jingwei_sdk.records import AtPlace, Record

AUDIT = Record(
    AuditEntry,
    read="audit.read",
    # An entry tells what a row held: it is as far to see as the rows themselves.
    scope=(AtPlace(),),
    plural="auditEntries",
    filters=("actor_id", "command", "target_id", "request_id", "at"),
    sort=("sequence", "at"),
    hidden=frozenset({"version", "updated_at", "created_at"}),
)

RECORDS = (AUDIT,)
