"""Reading in one trip (单程读取): a statement that binds its tenant itself.

The tenant is bound, the caller's access is checked to be what the statement was planned for, and
the answer is made, in this order and in one round trip. A ``CASE`` takes its branch only after its
condition, and a subquery that does not depend on a row runs when its value is first asked for: so
no row is looked at before the tenant is bound. Were the order ever wrong, nothing would be seen:
the connections that run such statements (``lanes``) are bound to the tenant nil.
"""

from functools import lru_cache
from uuid import UUID

import msgspec

FIRST_FREE = 5
"""The number of the first parameter that an expression of :func:`one_trip` may use."""

_STAMP = (
    "EXISTS (SELECT FROM core.account stamp WHERE stamp.id = {account}"
    " AND stamp.status = 'active' AND stamp.session_epoch = {epoch})"
    " AND coalesce((SELECT stamp.number FROM core.policy_version stamp), 0) = {policy}"
)


class Reading(msgspec.Struct, frozen=True):
    """For whom a statement reads: the account with the session epoch of its token, and the policy
    number that its permissions were loaded with."""

    tenant: UUID
    account_id: UUID
    epoch: int
    policy: int

    @property
    def parameters(self) -> tuple[str, UUID, int, int]:
        """The statement's first parameters."""
        return (tenant_parameter(self.tenant), self.account_id, self.epoch, self.policy)


def one_trip(expression: str) -> str:
    """The statement that answers ``expression`` as UTF-8 bytes; its parameters are those of a
    :class:`Reading`, then its own from ``$5`` on.

    It answers null when the account is no longer active or signed out, or when the tenant's access
    rules have moved since: then the caller's access must be loaded, and the read planned, again.
    ``expression`` must read tables in subqueries only, and be of a type that PostgreSQL can print.
    """
    stamp = _STAMP.format(account="$2", epoch="$3", policy="$4")
    return _bound(f"CASE WHEN {stamp} THEN {_utf8(expression)} END")


def bound_trip(expression: str) -> str:
    """Like :func:`one_trip`, for the platform itself: whoever asks, the tenant's rows are read.

    The tenant's id as a text is ``$1``, the parameters of ``expression`` begin at ``$2``.
    """
    return _bound(_utf8(expression))


def _bound(answer: str) -> str:
    return f"SELECT CASE WHEN set_config('app.tenant', $1, true) = $1 THEN {answer} END"


def _utf8(expression: str) -> str:
    return f"convert_to(({expression})::text, 'UTF8')"


@lru_cache(maxsize=1024)
def tenant_parameter(tenant: UUID) -> str:
    """The first parameter: made of a UUID, never a text of a caller."""
    return str(UUID(int=tenant.int))
