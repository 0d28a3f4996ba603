"""How staff, roles and posts are read."""

from jingwei_core.access.tables import Account, Department, Post, Role
from jingwei_sdk.records import AtPlace, Many, One, OwnedBy, Record, TenantWide

DEPARTMENT = Record(
    Department,
    read="department.read",
    scope=(TenantWide(),),
    filters=("code", "parent"),
    sort=("code", "name", "created_at"),
    search="name",
    relations={"parent": One("parent", "Department"), "place": One("place", "Place")},
)

ROLE = Record(
    Role,
    read="staff.read",
    scope=(TenantWide(),),
    filters=("code",),
    sort=("code", "name", "created_at"),
)

ACCOUNT = Record(
    Account,
    read="staff.read",
    scope=(TenantWide(),),
    filters=("status",),
    sort=("name", "created_at"),
    search="name",
    hidden=frozenset({"password_hash", "failed_count", "locked_until", "session_epoch"}),
    guarded={"login": "account.manage"},
    relations={"posts": Many("Post", "account")},
)

POST = Record(
    Post,
    read="staff.read",
    scope=(AtPlace(), OwnedBy("account")),
    filters=("account", "role", "department", "place_id", "valid_from", "valid_to"),
    sort=("valid_from", "created_at"),
    dimensions=("role", "department"),
    hidden=frozenset({"place_path"}),
    relations={
        "account": One("account", "Account"),
        "role": One("role", "Role"),
        "department": One("department", "Department"),
        "place": One("place_id", "Place"),
    },
)

RECORDS = (DEPARTMENT, ROLE, ACCOUNT, POST)
