"""The audit log (审计日志): one row for each command, chained by hash."""

from piccolo.columns import JSONB, UUID, BigInt, Text, Timestamptz

from jingwei_sdk.personal import Personal, Sensitivity
from jingwei_sdk.tables import TenantTable, sealed


@sealed
class AuditEntry(TenantTable, tablename="audit_entry", schema="core"):
    """审计记录: written by ``core.audit_append`` only; ``hash`` covers the row and ``previous``."""

    UNIQUE = (("sequence",),)
    PERSONAL = {
        "actor_name": Personal(
            "操作审计",
            "telling who used the system for what",
            "网络安全法 art. 21(3); 个人信息保护法 PIPL art. 51, 54, 56",
            Sensitivity.GENERAL,
            "P3Y",
            counted_from="记录之日 the entry",
            unmasked_because="work name as it was then; only for holders of audit.read",
        )
    }

    sequence = BigInt(default=None, null=False)
    at = Timestamptz(default=None, null=False)
    actor_kind = Text(default=None, null=False)
    actor_id = UUID(default=None, null=True)
    actor_name = Text(default="", null=False)
    command = Text(default=None, null=False, index=True)
    request_id = Text(default="", null=False)
    target_id = UUID(default=None, null=True, index=True)
    place_path = Text(default=None, null=True)
    changes = JSONB(default=None, null=False, help_text="[{table,id,before,after}]")
    previous = Text(default=None, null=False)
    hash = Text(default=None, null=False)


@sealed
class AuditHead(TenantTable, tablename="audit_head", schema="core"):
    """审计链头: the last link of the tenant's chain, with the hash of the one before it; moved by
    ``core.audit_append`` only."""

    UNIQUE = ((),)

    sequence = BigInt(default=0, null=False)
    hash = Text(default=None, null=False)
    previous = Text(default="", null=False)
