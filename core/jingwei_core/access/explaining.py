"""Explaining a decision (权限解释): why an account may or may not do something at a place.

The answer is casbin's, from the tenant's rows as they are; the roles and posts behind it are named.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from jingwei_core.access.loading import ACTIVE
from jingwei_core.access.policy import (
    Enforcers,
    Explanation,
    PostRow,
    Question,
    RolePolicy,
    TenantPolicy,
    explain,
)
from jingwei_core.database.unit import Unit
from jingwei_sdk.errors import NotFound

_POSTS = """
SELECT p.account, r.code, p.place_path, p.valid_from, p.valid_to
  FROM core.post p
  JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role
  JOIN core.account a ON a.tenant_id = p.tenant_id AND a.id = p.account AND a.status = 'active'
 ORDER BY p.valid_from, p.id
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """May ``login`` use ``permission`` at the place with ``place_code`` (``None``: anywhere)?"""

    login: str
    permission: str
    place_code: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class AccessAnswer:
    """The explanation, with what the question was about; places by path with their names."""

    login: str
    status: str
    place_path: str | None
    explanation: Explanation
    place_names: dict[str, str]

    @property
    def suspended(self) -> bool:
        """Whether the account holds nothing because it is suspended."""
        return self.status != ACTIVE


async def load_policy(unit: Unit, tenant_id: uuid.UUID) -> TenantPolicy:
    """All roles of the unit's tenant and all posts of its active accounts, past and future too."""
    roles = await unit.fetch("SELECT code, permissions FROM core.role ORDER BY code")
    posts = await unit.fetch(_POSTS)
    return TenantPolicy(
        tenant=str(tenant_id),
        roles=tuple(RolePolicy(row["code"], tuple(row["permissions"])) for row in roles),
        posts=tuple(
            PostRow(
                account=str(row["account"]),
                role=row["code"],
                path=row["place_path"],
                valid_from=row["valid_from"],
                valid_to=row["valid_to"],
            )
            for row in posts
        ),
    )


async def explain_access(
    unit: Unit, tenant_id: uuid.UUID, asked: Asked, enforcers: Enforcers
) -> AccessAnswer:
    """Why the account may or may not; raises ``NotFound`` (``LOGIN_UNKNOWN``,
    ``PLACE_CODE_UNKNOWN``)."""
    account = await unit.fetchrow(
        "SELECT id, status FROM core.account WHERE login = $1", asked.login.strip().lower()
    )
    if account is None:
        raise NotFound("LOGIN_UNKNOWN", login=asked.login)
    path = None
    if asked.place_code is not None:
        path = await unit.fetchval(
            "SELECT path FROM core.place WHERE code = $1 ORDER BY path LIMIT 1", asked.place_code
        )
        if path is None:
            raise NotFound("PLACE_CODE_UNKNOWN", place=asked.place_code)
    policy = await load_policy(unit, tenant_id)
    question = Question(
        tenant=policy.tenant,
        account=str(account["id"]),
        permission=asked.permission,
        path=path,
        at=asked.at,
    )
    explanation = explain(enforcers.of(policy), policy, question)
    wanted = [reason.post.path for reason in explanation.reasons]
    wanted += [near.post.path for near in explanation.near] + ([path] if path else [])
    names = await unit.fetch("SELECT path, name FROM core.place WHERE path = ANY($1)", wanted)
    return AccessAnswer(
        login=asked.login,
        status=account["status"],
        place_path=path,
        explanation=explanation,
        place_names={row["path"]: row["name"] for row in names},
    )
