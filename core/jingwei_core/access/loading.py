"""Loading what an account may do right now (访问加载): one round trip to the database.

What is loaded is good until a post begins or ends, or the tenant's policy number moves: it moves in
the transaction that changes an account, a post or a role. Compiled permission sets are kept by the
very grants that went into them, so that equal ones are compiled once.
"""

import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import msgspec

from jingwei_core.access.call_limits import CallLimits, stored_limits
from jingwei_core.access.permissions import Grant, PermissionSet
from jingwei_core.database.reading import bound_trip

ACTIVE = "active"
SUSPENDED = "suspended"

_EXPRESSION = """(
SELECT json_build_object('login', a.login, 'name', a.name, 'status', a.status,
       'epoch', a.session_epoch,
       'policy_version', coalesce((SELECT v.number FROM core.policy_version v), 0),
       'posts', (
           SELECT coalesce(json_agg(json_build_object(
                      'path', p.place_path, 'department', p.department, 'begins', p.valid_from,
                      'ends', CASE WHEN isfinite(p.valid_to) THEN p.valid_to END,
                      'permissions', r.permissions, 'limits', r.limits
                  ) ORDER BY p.is_primary DESC, p.valid_from, p.id), '[]')
             FROM core.post p JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role
            WHERE p.account = a.id AND (p.valid_to IS NULL OR p.valid_to > {now})),
       'covers', (
           SELECT coalesce(json_agg(json_build_object(
                      'account', l.account, 'begins', l.begins_at, 'ends', l.ends_at)), '[]')
             FROM core.leave l
            WHERE l.tenant_id = a.tenant_id AND l.substitute = a.id
              AND l.state IN ('approved', 'closed') AND l.ends_at > {now}))
  FROM core.account a
 WHERE a.id = {account})"""
LOAD = bound_trip(_EXPRESSION.format(account="$2", now="$3::timestamptz"))
"""The statement that answers :func:`decoded_access` for an account at an instant."""

_SQL = f"SELECT {_EXPRESSION.format(account='$1', now='$2::timestamptz')}::text"


class Source(Protocol):
    """The part of a unit of work that loading needs."""

    async def fetch(self, sql: str, *args: object) -> Iterable[Any]:
        """Rows of a statement with ``$1`` parameters."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """An account with what it may do at one instant (账号及其当前权限).

    It is right from ``began_at``, when the last of the posts began, until before ``changes_at``,
    when a post begins or ends; whoever keeps it longer must load it again then. An interval in
    which the account covers another one (``covers``) counts as a post does. ``limits`` holds what
    each of the roles states, a role that states nothing included.
    """

    account_id: uuid.UUID
    login: str
    name: str
    status: str
    epoch: int
    policy_version: int
    department_ids: frozenset[uuid.UUID]
    primary_path: str | None
    began_at: datetime | None
    changes_at: datetime | None
    permissions: PermissionSet
    limits: frozenset[CallLimits] = frozenset()
    covers: frozenset[uuid.UUID] = frozenset()

    @property
    def active(self) -> bool:
        """Whether the account may act at all."""
        return self.status == ACTIVE

    def holds_at(self, now: datetime) -> bool:
        """Whether no post has begun or ended between loading and ``now``."""
        if self.began_at is not None and now < self.began_at:
            return False
        return self.changes_at is None or now < self.changes_at


Mind = Callable[[Access], None]
"""Is told by what access something is done, and may refuse it."""


def of_no_concern(access: Access) -> None:
    """Whatever the account may do, it is done."""


class _Interval(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    begins: datetime
    ends: datetime | None


class _Post(_Interval, frozen=True, gc=False, kw_only=True):
    path: str
    department: uuid.UUID | None
    permissions: tuple[str, ...]
    limits: dict[str, Any]


class _Cover(_Interval, frozen=True, gc=False, kw_only=True):
    account: uuid.UUID


class _Account(msgspec.Struct, frozen=True, gc=False):
    login: str
    name: str
    status: str
    epoch: int
    policy_version: int
    posts: tuple[_Post, ...]
    covers: tuple[_Cover, ...]


_DECODER = msgspec.json.Decoder(_Account)


class CompiledSets:
    """The most recently used permission sets; one for each combination of grants."""

    def __init__(self, size: int = 4096) -> None:
        self._size = size
        self._sets: OrderedDict[frozenset[Grant], PermissionSet] = OrderedDict()

    def compiled(self, grants: frozenset[Grant]) -> PermissionSet:
        """The permission set of these grants."""
        found = self._sets.get(grants)
        if found is None:
            found = self._sets[grants] = PermissionSet(grants)
            if len(self._sets) > self._size:
                self._sets.popitem(last=False)
        else:
            self._sets.move_to_end(grants)
        return found


async def load_access(
    unit: Source, account_id: uuid.UUID, now: datetime, sets: CompiledSets | None = None
) -> Access | None:
    """The account of the unit's tenant with its permissions at ``now`` (aware), if it exists.

    A suspended account is returned with its status and no permissions. ``sets`` remembers compiled
    permission sets between calls.
    """
    rows = list(await unit.fetch(_SQL, account_id, now))
    return decoded_access(rows[0][0], account_id, now, sets)


def decoded_access(
    answer: bytes | str | None,
    account_id: uuid.UUID,
    now: datetime,
    sets: CompiledSets | None = None,
) -> Access | None:
    """The access that the statement ``LOAD`` has answered for the account at ``now``."""
    if answer is None:
        return None
    account = _DECODER.decode(answer)
    posts = account.posts if account.status == ACTIVE else ()
    valid = [post for post in posts if post.begins <= now]
    covers = account.covers if account.status == ACTIVE else ()
    covered = [cover for cover in covers if cover.begins <= now]
    intervals: tuple[_Interval, ...] = (*posts, *covers)
    turns = [each.begins for each in intervals if each.begins > now]
    turns += [each.ends for each in intervals if each.ends is not None]
    grants = frozenset(Grant(post.path, post.permissions) for post in valid)
    return Access(
        account_id=account_id,
        login=account.login,
        name=account.name,
        status=account.status,
        epoch=account.epoch,
        policy_version=account.policy_version,
        department_ids=frozenset(p.department for p in valid if p.department is not None),
        primary_path=valid[0].path if valid else None,
        began_at=max((each.begins for each in intervals if each.begins <= now), default=None),
        changes_at=min(turns, default=None),
        permissions=sets.compiled(grants) if sets else PermissionSet(grants),
        limits=frozenset(stored_limits(post.limits) for post in valid),
        covers=frozenset(cover.account for cover in covered),
    )
