"""How the audit log is read."""

from jingwei_core.audit.tables import AuditEntry
from jingwei_sdk.records import Record, TenantWide

AUDIT = Record(
    AuditEntry,
    read="audit.read",
    scope=(TenantWide(),),
    plural="auditEntries",
    filters=("actor_id", "command", "target_id", "request_id", "at"),
    sort=("sequence", "at"),
    hidden=frozenset({"version", "updated_at", "created_at"}),
)

RECORDS = (AUDIT,)
