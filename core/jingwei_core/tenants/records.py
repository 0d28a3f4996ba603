"""How a tenant's switches are read."""

from jingwei_core.tenants.tables import PracticeSwitch
from jingwei_sdk.records import Record, TenantWide

PRACTICE_SWITCH = Record(
    PracticeSwitch,
    read="audit.read",
    scope=(TenantWide(),),
    plural="practiceSwitches",
    filters=("code", "is_enabled"),
    sort=("code",),
)

RECORDS = (PRACTICE_SWITCH,)
