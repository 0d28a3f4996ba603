"""Loading what an account may do right now (访问加载): one round trip to the database.

The account's status, its session epoch and its posts valid at the given instant are read anew for
each request, so that a suspension, a sign-out everywhere and the end of a post take effect with the
next request. Only the compilation is remembered, keyed by the very grants that went into it: a key
made of a version number could be filled by a transaction that is rolled back afterwards.
"""

import json
import uuid
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from jingwei_core.access.call_limits import CallLimits, stored_limits
from jingwei_core.access.permissions import Grant, PermissionSet

ACTIVE = "active"
SUSPENDED = "suspended"

_SQL = """
SELECT a.login, a.name, a.status, a.session_epoch, coalesce(v.number, 0) AS policy_version,
       p.id AS post_id, p.place_path, p.department, p.is_primary, p.valid_to, r.permissions,
       r.limits
  FROM core.account a
  LEFT JOIN core.policy_version v ON v.tenant_id = a.tenant_id
  LEFT JOIN core.post p ON p.tenant_id = a.tenant_id AND p.account = a.id
       AND p.valid_from <= $2 AND (p.valid_to IS NULL OR p.valid_to > $2)
  LEFT JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role
 WHERE a.id = $1
 ORDER BY p.is_primary DESC, p.valid_from, p.id
"""


class Reading(Protocol):
    """The part of a unit of work that loading needs."""

    async def fetch(self, sql: str, *args: object) -> Iterable[Any]:
        """Rows of a statement with ``$1`` parameters."""
        ...


@dataclass(frozen=True, slots=True)
class Access:
    """An account with what it may do at one instant (账号及其当前权限).

    ``changes_at`` is the first instant at which one of the posts ends: whoever keeps the object
    longer than a request (a subscription) must load it again then. ``limits`` holds what each of
    the roles states, a role that states nothing included.
    """

    account_id: uuid.UUID
    login: str
    name: str
    status: str
    epoch: int
    policy_version: int
    department_ids: frozenset[uuid.UUID]
    primary_path: str | None
    changes_at: datetime | None
    permissions: PermissionSet
    limits: frozenset[CallLimits] = frozenset()

    @property
    def active(self) -> bool:
        """Whether the account may act at all."""
        return self.status == ACTIVE


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
    unit: Reading, account_id: uuid.UUID, now: datetime, sets: CompiledSets | None = None
) -> Access | None:
    """The account of the unit's tenant with its permissions at ``now`` (aware), if it exists.

    A suspended account is returned with its status and no permissions. ``sets`` remembers compiled
    permission sets between calls.
    """
    rows = list(await unit.fetch(_SQL, account_id, now))
    if not rows:
        return None
    account = rows[0]
    posts = [row for row in rows if row["post_id"] is not None]
    if account["status"] != ACTIVE:
        posts = []
    grants = frozenset(Grant(p["place_path"], tuple(p["permissions"])) for p in posts)
    return Access(
        account_id=account_id,
        login=account["login"],
        name=account["name"],
        status=account["status"],
        epoch=account["session_epoch"],
        policy_version=account["policy_version"],
        department_ids=frozenset(p["department"] for p in posts if p["department"] is not None),
        primary_path=posts[0]["place_path"] if posts else None,
        changes_at=min((p["valid_to"] for p in posts if p["valid_to"] is not None), default=None),
        permissions=sets.compiled(grants) if sets else PermissionSet(grants),
        limits=frozenset(stored_limits(json.loads(p["limits"])) for p in posts),
    )
