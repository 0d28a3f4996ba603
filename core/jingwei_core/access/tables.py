"""Who may do what (权限): staff, accounts, departments, roles, posts and sign-in sessions."""

from piccolo.columns import JSONB, UUID, Array, BigInt, Boolean, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete
from piccolo.columns.reference import LazyTableReference

from jingwei_core.places.tables import Place
from jingwei_sdk.personal import Mask, Personal, Sensitivity
from jingwei_sdk.tables import PlacedTable, TenantFK, TenantTable

DUTY = "个人信息保护法 PIPL art. 13(1)(3), 34"
LEAVING = "离职之日 end of employment"


class Department(TenantTable, tablename="department", schema="core"):
    """部门: a department or section that handles events."""

    UNIQUE = (("code",),)
    IS_SMALL = True

    code = Text(default=None, null=False)
    name = Text(default=None, null=False)
    name_en = Text(default="", null=False)
    parent = TenantFK(
        LazyTableReference("Department", module_path=__name__),
        null=True,
        on_delete=OnDelete.restrict,
    )
    place = TenantFK(Place, null=True, on_delete=OnDelete.restrict)
    duties = Text(default="", null=False)


class Role(TenantTable, tablename="role", schema="core"):
    """角色: a named set of permissions; ``event.*`` stands for every permission below it."""

    UNIQUE = (("code",),)
    IS_SMALL = True

    code = Text(default=None, null=False)
    name = Text(default=None, null=False)
    name_en = Text(default="", null=False)
    permissions = Array(base_column=Text(), default=list, null=False)
    limits = JSONB(default="{}", null=False, help_text="limits on calls that the role states")
    owner_plugin = Text(default="", null=False, help_text="plugin that brings the role")


class Account(TenantTable, tablename="account", schema="core"):
    """账号: a person's or a function's way to sign in; the login is unique in the tenant."""

    UNIQUE = (("login",),)
    PERSONAL = {
        "login": Personal(
            "登录与责任认定",
            "signing in, and telling who is answerable",
            DUTY,
            Sensitivity.GENERAL,
            "P1Y",
            counted_from=LEAVING,
            unmasked_because="work name; only for holders of account.manage",
        ),
        "name": Personal(
            "办理事件时的责任人标识",
            "naming who is answerable for an event",
            DUTY,
            Sensitivity.GENERAL,
            "P1Y",
            counted_from=LEAVING,
            unmasked_because="work name: colleagues have to know who handles an event",
        ),
        "phone": Personal(
            "履行职责时联系",
            "contact on duty",
            DUTY,
            Sensitivity.GENERAL,
            "P1Y",
            counted_from=LEAVING,
            mask=Mask.PHONE,
        ),
        "email": Personal(
            "按本人的通知设置发送工作通知",
            "sending notifications of work, as the account has chosen",
            DUTY,
            Sensitivity.GENERAL,
            "P1Y",
            counted_from=LEAVING,
            mask=Mask.TEXT,
        ),
    }

    login = Text(default=None, null=False)
    name = Text(default=None, null=False)
    status = Text(default="active", null=False, help_text="active or suspended")
    password_hash = Text(default=None, null=True, secret=True)
    failed_count = Integer(default=0, null=False)
    locked_until = Timestamptz(default=None, null=True)
    session_epoch = Integer(default=0, null=False, help_text="grows to sign out everywhere")
    phone = Text(default=None, null=True, help_text="mainland mobile number, 11 digits")
    email = Text(default=None, null=True, help_text="work address that notifications are sent to")


class Post(PlacedTable, tablename="post", schema="core"):
    """岗位: an account holds a role at a place for ``[valid_from, valid_to)``.

    A substitute (顶岗) holds a copy of each post of the one who is away: ``covers`` names the leave
    and ``covered_post`` the post. Nobody enters these; they follow the leave and the post.
    """

    account = TenantFK(Account, null=False, on_delete=OnDelete.cascade)
    role = TenantFK(Role, null=False, on_delete=OnDelete.restrict)
    department = TenantFK(Department, null=True, on_delete=OnDelete.restrict)
    is_primary = Boolean(default=False, null=False)
    valid_from = Timestamptz(default=None, null=False)
    valid_to = Timestamptz(default=None, null=True)
    covers = TenantFK(
        LazyTableReference("Leave", module_path="jingwei_core.workforce.tables"),
        null=True,
        on_delete=OnDelete.cascade,
    )
    covered_post = TenantFK(
        LazyTableReference("Post", module_path=__name__),
        null=True,
        on_delete=OnDelete.cascade,
    )


class RefreshToken(TenantTable, tablename="refresh_token", schema="core"):
    """刷新令牌: one link of a rotation chain; only the token's digest is stored."""

    UNIQUE = (("digest",),)

    account = TenantFK(Account, null=False, on_delete=OnDelete.cascade)
    family_id = UUID(default=None, null=False, index=True)
    digest = Text(default=None, null=False, secret=True)
    session_epoch = Integer(default=0, null=False)
    expires_at = Timestamptz(default=None, null=False)
    used_at = Timestamptz(default=None, null=True)
    revoked_at = Timestamptz(default=None, null=True)


class PolicyVersion(TenantTable, tablename="policy_version", schema="core"):
    """策略版本: one row a tenant; ``number`` grows with every change of roles or posts."""

    UNIQUE = ((),)

    number = BigInt(default=0, null=False)
