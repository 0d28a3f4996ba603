"""The compiled permission set and casbin's ``enforce`` decide alike, over generated policies."""

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jingwei_core.access.permissions import Grant, PermissionSet
from jingwei_core.access.policy import (
    PostRow,
    Question,
    RolePolicy,
    TenantPolicy,
    ask,
    build_enforcer,
    explain,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
INSTANTS = [NOON + timedelta(hours=hours) for hours in (-2, -1, 0, 1, 2)] + [
    NOON - timedelta(microseconds=1)
]
PATHS = ["/1/", "/1/2/", "/1/2/3/", "/1/22/", "/1/22/3/", "/11/", "/11/2/", "/2/", "/1/2/33/"]
BROKEN = ["", "/", "1/2/", "/1/2"]
GRANTS = ["*", "event.*", "event.read", "event.file", "event.note.*", "event.note.add"]
GRANTS += ["events.read", "events.*", "place.read", "safety.hazard.*", "safety.*"]
WANTED = [*GRANTS, "event.note.remove", "event", "safety.hazard.rectify", "staff.read", ""]
TENANTS = ["yichang", "changzhi", "yichang2"]
ACCOUNTS = ["worker", "chief", "worker2"]
ROLES = ["grid", "centre", "grid2"]

roles = st.lists(st.sampled_from(GRANTS), max_size=4, unique=True).map(tuple)
posts = st.builds(
    PostRow,
    account=st.sampled_from(ACCOUNTS),
    role=st.sampled_from(ROLES),
    path=st.sampled_from(PATHS),
    valid_from=st.sampled_from(INSTANTS),
    valid_to=st.none() | st.sampled_from(INSTANTS),
)
broken_posts = st.builds(
    PostRow,
    account=st.sampled_from(ACCOUNTS),
    role=st.sampled_from(ROLES),
    path=st.sampled_from([b for b in BROKEN if b != "/"]),
    valid_from=st.just(INSTANTS[0]),
    valid_to=st.none(),
)


@st.composite
def policies(draw: st.DrawFn) -> list[TenantPolicy]:
    found = []
    for tenant in TENANTS:
        listed = tuple(RolePolicy(role, draw(roles)) for role in ROLES)
        rows = draw(st.lists(posts, max_size=6)) + draw(st.lists(broken_posts, max_size=1))
        found.append(TenantPolicy(tenant, listed, tuple(rows)))
    return found


questions = st.builds(
    Question,
    tenant=st.sampled_from([*TENANTS, "nowhere"]),
    account=st.sampled_from([*ACCOUNTS, "stranger"]),
    permission=st.sampled_from(WANTED),
    path=st.none() | st.sampled_from(PATHS + BROKEN),
    at=st.sampled_from(INSTANTS),
)


def compiled(policy: TenantPolicy | None, question: Question) -> PermissionSet:
    """What loading does in SQL: the grants of the account's posts valid at the instant."""
    if policy is None:
        return PermissionSet()
    listed = {role.role: role.permissions for role in policy.roles}
    return PermissionSet(
        Grant(post.path, listed[post.role])
        for post in policy.posts
        if post.account == question.account
        and post.valid_from <= question.at
        and (post.valid_to is None or post.valid_to > question.at)
    )


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(everyone=policies(), asked=st.lists(questions, min_size=30, max_size=30))
def test_the_compiled_set_decides_as_casbin_does(
    everyone: list[TenantPolicy], asked: list[Question]
):
    enforcer = build_enforcer(everyone)
    by_tenant = {policy.tenant: policy for policy in everyone}
    for question in asked:
        policy = by_tenant.get(question.tenant)
        permissions = compiled(policy, question)
        allowed, row = ask(enforcer, question)
        assert permissions.allows(question.permission, question.path) == allowed, question
        assert bool(row) == allowed
        if question.path is not None:
            under = any(question.path.startswith(p) for p in permissions.paths(question.permission))
            assert under == allowed, question
        if policy is not None:
            explained = explain(enforcer, policy, question)
            assert explained.allowed == allowed == bool(explained.reasons), question


@settings(max_examples=100, deadline=None)
@given(everyone=policies(), question=questions)
def test_subtrees_are_disjoint_and_sorted(everyone: list[TenantPolicy], question: Question):
    for policy in everyone:
        paths = compiled(policy, question).paths(question.permission)
        assert list(paths) == sorted(set(paths))
        assert not any(a != b and a.startswith(b) for a in paths for b in paths)
