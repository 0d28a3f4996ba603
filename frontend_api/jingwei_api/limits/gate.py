"""The gate (关口): lets an operation through or refuses it, before anything is read or run."""

import time
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from graphql import GraphQLError

from jingwei_api.limits.budget import Budgets, Spent
from jingwei_api.limits.ceilings import Ceiling, ceiling_of, default_ceiling
from jingwei_api.limits.cost import Cost, Measured
from jingwei_api.limits.shape import Shape
from jingwei_api.settings import ApiSettings
from jingwei_core.access.call_limits import CallLimits
from jingwei_sdk.errors import RateLimited

_LETTERS_A_POINT = 10


class Standing(msgspec.Struct, frozen=True):
    """Who asks, and which limits the tenant and the caller's roles state."""

    tenant_id: uuid.UUID
    account_id: uuid.UUID
    tenant: CallLimits
    roles: frozenset[CallLimits]


class Admitted(msgspec.Struct, frozen=True):
    """The figures of an operation, the limit on its cost, and what is left of the caller's
    budget."""

    cost: Cost
    limit: int
    spent: Spent | None

    def told(self) -> dict[str, Any]:
        """What the client is told as ``extensions.cost``."""
        told: dict[str, Any] = {"requested": self.cost.cost, "limit": self.limit}
        if self.spent is not None:
            told["remaining"] = self.spent.remaining
            told["resetAt"] = _instant(int(time.time() + self.spent.whole_in_s + 1))
        return told

    def as_bytes(self) -> bytes:
        """``"extensions":{"cost":{…}}``, to be put into an answer that is bytes already."""
        head = b'"extensions":{"cost":{"requested":%d,"limit":%d' % (self.cost.cost, self.limit)
        if self.spent is None:
            return head + b"}}"
        at = _instant(int(time.time() + self.spent.whole_in_s + 1)).encode()
        return b'%s,"remaining":%d,"resetAt":"%s"}}' % (head, self.spent.remaining, at)


class TooMuch(Exception):
    """The operation exceeds limits; nothing of it was run. ``figures`` are its own, as far as it
    came to that: a document that is too deep is not measured."""

    def __init__(self, errors: list[GraphQLError], figures: Admitted | None = None) -> None:
        super().__init__([error.message for error in errors])
        self.errors = errors
        self.figures = figures


class BudgetExhausted(RateLimited):
    """The minute's budget does not hold the operation; nothing of it was run."""

    def __init__(self, refusal: RateLimited, figures: Admitted) -> None:
        params: dict[str, Any] = {**refusal.params}
        super().__init__(refusal.code, **params)
        self.figures = figures


class Gate:
    """The limits and budgets of one process."""

    def __init__(self, settings: ApiSettings, budgets: Budgets | None = None) -> None:
        self._default = default_ceiling(settings)
        self._budgets = budgets or Budgets()

    def admit(
        self, measured: Measured, variables: Mapping[str, Any], standing: Standing
    ) -> Admitted:
        """Charge an operation to its caller.

        Raises :class:`TooMuch` for what exceeds a limit, and :class:`BudgetExhausted`
        (``COST_BUDGET_EXHAUSTED``) for a caller who spent the minute's budget.
        """
        ceiling = self.ceiling(standing)
        cost = measured(variables)
        errors = exceeded(cost, ceiling)
        if errors:
            raise TooMuch(errors, self._unspent(cost, ceiling, standing))
        account = (standing.tenant_id, standing.account_id)
        try:
            spent = self._budgets.spend(account, cost.cost, ceiling.cost_per_minute)
        except RateLimited as refusal:
            raise BudgetExhausted(refusal, self._unspent(cost, ceiling, standing)) from refusal
        return Admitted(cost, ceiling.max_cost, spent)

    def admit_again(self, cost: Cost, standing: Standing) -> Admitted:
        """What is admitted of an operation that was charged already, by the limits that hold now.

        Raises :class:`TooMuch`.
        """
        ceiling = self.ceiling(standing)
        figures = self._unspent(cost, ceiling, standing)
        errors = exceeded(cost, ceiling)
        if errors:
            raise TooMuch(errors, figures)
        return figures

    def _unspent(self, cost: Cost, ceiling: Ceiling, standing: Standing) -> Admitted:
        account = (standing.tenant_id, standing.account_id)
        left = self._budgets.left(account, ceiling.cost_per_minute)
        return Admitted(cost, ceiling.max_cost, left)

    def admit_shape(self, shape: Shape, standing: Standing) -> None:
        """Refuse what is too deep, too wide or has too many aliases; raises :class:`TooMuch`."""
        errors = _misshapen(shape, self.ceiling(standing))
        if errors:
            raise TooMuch(errors)

    def admit_document(self, length: int, standing: Standing) -> None:
        """Charge the reading of a document that was not read before, by its length in letters.

        Raises ``RateLimited`` (``COST_BUDGET_EXHAUSTED``).
        """
        ceiling = self.ceiling(standing)
        account = (standing.tenant_id, standing.account_id)
        charge = min(length // _LETTERS_A_POINT, ceiling.cost_per_minute)
        self._budgets.spend(account, charge, ceiling.cost_per_minute)

    def ceiling(self, standing: Standing) -> Ceiling:
        """The limits that hold for a caller."""
        return ceiling_of(self._default, standing.tenant, standing.roles)


def exceeded(cost: Cost, ceiling: Ceiling) -> list[GraphQLError]:
    """One error for each limit that the figures exceed, with the limit and the figure."""
    found = _misshapen(cost, ceiling)
    if cost.rows > ceiling.max_rows:
        found.append(limit_error("QUERY_TOO_MANY_ROWS", cost.rows, ceiling.max_rows))
    if cost.cost > ceiling.max_cost:
        found.append(limit_error("QUERY_TOO_COSTLY", cost.cost, ceiling.max_cost))
    return found


def _misshapen(shape: Shape | Cost, ceiling: Ceiling) -> list[GraphQLError]:
    found = []
    if shape.depth > ceiling.max_depth:
        found.append(limit_error("QUERY_TOO_DEEP", shape.depth, ceiling.max_depth))
    if shape.aliases > ceiling.max_aliases:
        found.append(limit_error("QUERY_TOO_MANY_ALIASES", shape.aliases, ceiling.max_aliases))
    if shape.width > ceiling.max_root_fields:
        found.append(limit_error("QUERY_TOO_WIDE", shape.width, ceiling.max_root_fields))
    return found


def limit_error(code: str, figure: int, limit: int) -> GraphQLError:
    """The error of an exceeded limit; says the limit and the operation's own figure."""
    return GraphQLError(code, extensions={"code": code, "figure": figure, "limit": limit})


@lru_cache(maxsize=256)
def _instant(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(second))
