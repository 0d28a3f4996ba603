"""Access in the language of casbin (策略): what decides what access means, and what explains it.

``model.conf`` is the definition. Requests are answered from compiled permission sets
(:mod:`jingwei_core.access.permissions`), because enforcing walks through every policy row; this
module is for explaining a decision and for proving that both agree.
"""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import casbin
from casbin.rbac import RoleManager

MODEL = Path(__file__).with_name("model.conf")
ANYWHERE = "*"
NO_END = "-"


@dataclass(frozen=True, slots=True)
class RolePolicy:
    """A role (角色) of a tenant with the grants it lists."""

    role: str
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PostRow:
    """A post (岗位): ``account`` holds ``role`` below ``path`` for ``[valid_from, valid_to)``."""

    account: str
    role: str
    path: str
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class TenantPolicy:
    """All roles and posts of one tenant; equal when they mean the same."""

    tenant: str
    roles: tuple[RolePolicy, ...]
    posts: tuple[PostRow, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """May the account use the permission at the path (``None``: anywhere) at the instant?"""

    tenant: str
    account: str
    permission: str
    path: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Reason:
    """A post together with the grant of its role that answers the question."""

    post: PostRow
    grant: str


@dataclass(frozen=True, slots=True)
class Near:
    """A post that gives the permission, but not here or not now (``place`` or ``time``)."""

    post: PostRow
    grant: str
    obstacle: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The decision of casbin, what it rests on, and what came close."""

    allowed: bool
    policy: tuple[str, ...]
    reasons: tuple[Reason, ...]
    near: tuple[Near, ...]


class PostManager(RoleManager):  # type: ignore[misc]
    """casbin's role manager with posts as links: a link holds in a subtree and for an interval."""

    def __init__(self) -> None:
        self._links: dict[tuple[str, str], list[str]] = {}

    def clear(self) -> None:
        """Forget all links."""
        self._links = {}

    def add_link(self, name1: str, name2: str, *domain: str) -> None:
        """Add a post of account ``name1`` with role ``name2``."""
        self._links.setdefault((name1, name2), []).append(domain[0])

    def has_link(self, name1: str, name2: str, *domain: str) -> bool:
        """Whether a post of the account gives the role at the wanted place and time."""
        return any(_reaches(link, domain[0]) for link in self._links.get((name1, name2), ()))

    def print_roles(self) -> None:
        """Called by casbin after loading; posts are nobody's business in a log."""


def grants(listed: str, wanted: str) -> bool:
    """Whether the listed grant gives the wanted permission"""
    if listed == "*":
        return True
    if listed.endswith(".*"):
        return wanted.startswith(listed[:-1])
    return listed == wanted


def within(path: str, top: str) -> bool:
    """Whether ``path`` lies in the subtree of ``top``; ``/a/11/`` does not lie in ``/a/1/``."""
    return top.startswith("/") and top.endswith("/") and path.startswith(top)


def wanted(tenant: str, path: str, at: str) -> str:
    """The request's side of ``g``, as one text, because casbin passes one domain."""
    return f"{tenant} {path} {at}"


def build_enforcer(policies: Iterable[TenantPolicy]) -> casbin.Enforcer:
    """A new enforcer with the rows of these tenants.

    The rows are put into the model directly: casbin's own ``add_policy`` searches the whole list
    for each row. An enforcer is never refilled (``load_policy`` copies the graph recursively and
    fails on large ones); a changed policy gets a new one.
    """
    enforcer = casbin.Enforcer(str(MODEL))
    enforcer.set_role_manager(PostManager())
    enforcer.add_function("grants", grants)
    enforcer.add_function("wanted", wanted)
    rules = enforcer.get_model()
    for policy in policies:
        for role in policy.roles:
            rules["p"]["p"].policy.extend([policy.tenant, role.role, g] for g in role.permissions)
        rules["g"]["g"].policy.extend(_link(policy.tenant, post) for post in policy.posts)
    enforcer.build_role_links()
    return enforcer


def ask(enforcer: casbin.Enforcer, question: Question) -> tuple[bool, tuple[str, ...]]:
    """casbin's decision and the policy row it rests on (empty when denied)."""
    allowed, policy = enforcer.enforce_ex(
        question.tenant,
        question.account,
        question.permission,
        ANYWHERE if question.path is None else question.path,
        question.at.isoformat(),
    )
    return bool(allowed), tuple(policy)


class Enforcers:
    """The enforcer of each recently explained tenant; replaced as soon as its rows differ."""

    def __init__(self, size: int = 8) -> None:
        self._size = size
        self._kept: OrderedDict[str, tuple[TenantPolicy, casbin.Enforcer]] = OrderedDict()

    def of(self, policy: TenantPolicy) -> casbin.Enforcer:
        """The enforcer holding exactly these rows."""
        kept = self._kept.get(policy.tenant)
        if kept is None or kept[0] != policy:
            kept = (policy, build_enforcer([policy]))
            self._kept[policy.tenant] = kept
            if len(self._kept) > self._size:
                self._kept.popitem(last=False)
        self._kept.move_to_end(policy.tenant)
        return kept[1]


def explain(enforcer: casbin.Enforcer, policy: TenantPolicy, question: Question) -> Explanation:
    """The decision with every post that allows it, and every post that nearly does."""
    allowed, row = ask(enforcer, question)
    listed = {role.role: role.permissions for role in policy.roles}
    reasons: list[Reason] = []
    near: list[Near] = []
    for post in policy.posts:
        if post.account != question.account:
            continue
        for grant in listed.get(post.role, ()):
            if not grants(grant, question.permission):
                continue
            obstacle = _obstacle(post, question)
            if obstacle is None:
                reasons.append(Reason(post, grant))
            else:
                near.append(Near(post, grant, obstacle))
    return Explanation(allowed, row, tuple(reasons), tuple(near))


def _obstacle(post: PostRow, question: Question) -> str | None:
    if not within(post.path if question.path is None else question.path, post.path):
        return "place"
    if not _valid(post.valid_from, post.valid_to, question.at):
        return "time"
    return None


def _link(tenant: str, post: PostRow) -> list[str]:
    end = post.valid_to.isoformat() if post.valid_to else NO_END
    place = f"{tenant} {post.path} {post.valid_from.isoformat()} {end}"
    return [post.account, post.role, place]


def _reaches(link: str, request: str) -> bool:
    tenant, top, start, end = link.split(" ")
    wanted_tenant, path, at = request.split(" ")
    return (
        tenant == wanted_tenant
        and within(top if path == ANYWHERE else path, top)
        and _valid(
            datetime.fromisoformat(start),
            None if end == NO_END else datetime.fromisoformat(end),
            datetime.fromisoformat(at),
        )
    )


def _valid(start: datetime, end: datetime | None, at: datetime) -> bool:
    return start <= at and (end is None or at < end)
