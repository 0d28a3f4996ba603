"""The gate: which limits hold for whom, budgets over time, and what the client is told."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from graphql import parse
from msgspec import structs

from jingwei_api.limits.budget import Budgets
from jingwei_api.limits.ceilings import Ceiling, ceiling_of, default_ceiling
from jingwei_api.limits.gate import BudgetExhausted, Gate, Standing, TooMuch
from jingwei_api.limits.shape import Shape
from jingwei_api.settings import ApiSettings
from jingwei_core.access.call_limits import UNSTATED, CallLimits
from jingwei_sdk.errors import RateLimited
from tests.api.limits.operations import measured

ACCOUNT = (uuid.UUID(int=1), uuid.UUID(int=2))
DEFAULT = Ceiling(1000, 500, 10, 20, 5, 6000)


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("tenant", "roles", "cost"),
    [
        (None, [], 1000),
        (None, [None], 1000),
        (None, [400], 400),
        (None, [400, None], 1000),
        (None, [400, 700], 700),
        (None, [5000], 1000),
        (3000, [None], 1000),
        (3000, [2500], 2500),
        (3000, [5000], 3000),
        (300, [None, 5000], 300),
        (9000, [9000], 6000),  # more than a minute's budget could never run
    ],
)
def test_the_best_of_the_roles_holds_and_no_more_than_the_tenant_may_have(
    tenant: int | None, roles: list[int | None], cost: int
) -> None:
    stated = frozenset(CallLimits(max_cost=role) for role in roles)
    found = ceiling_of(DEFAULT, CallLimits(max_cost=tenant), stated)
    assert found.max_cost == cost
    assert (found.max_rows, found.max_depth) == (500, 10)


@pytest.mark.parametrize(
    ("usual", "tenant", "roles", "budget"),
    [
        (6000, None, [None], 6000),
        (6000, None, [0], 6000),
        (6000, 0, [0], 0),
        (6000, 0, [None], 6000),
        (6000, 9000, [0], 9000),
        (0, None, [None], 0),
        (0, 700, [None], 700),
        (0, None, [700], 700),
    ],
)
def test_a_budget_of_nought_is_none(
    usual: int, tenant: int | None, roles: list[int | None], budget: int
) -> None:
    default = Ceiling(1000, 500, 10, 20, 5, usual)
    stated = frozenset(CallLimits(cost_per_minute=role) for role in roles)
    found = ceiling_of(default, CallLimits(cost_per_minute=tenant), stated)
    assert found.cost_per_minute == budget


def test_the_settings_say_what_holds_for_everybody() -> None:
    found = default_ceiling(ApiSettings(max_cost=123, cost_per_minute=456))
    assert (found.max_cost, found.cost_per_minute) == (123, 456)


def test_a_bucket_empties_fills_evenly_and_never_overflows() -> None:
    clock = Clock()
    budgets = Budgets(clock)
    first = budgets.spend(ACCOUNT, 600, 600)
    assert first is not None
    assert (first.remaining, first.whole_in_s) == (0, 60)
    with pytest.raises(RateLimited) as refused:
        budgets.spend(ACCOUNT, 25, 600)
    assert refused.value.code == "COST_BUDGET_EXHAUSTED"
    assert refused.value.params == {
        "figure": 25, "limit": 600, "remaining": 0, "retry_after_s": 3
    }  # fmt: skip
    clock.now = 2.5
    assert budgets.spend(ACCOUNT, 25, 600) is not None  # the refusal took nothing
    clock.now = 10_000
    again = budgets.spend(ACCOUNT, 0, 600)
    assert again is not None
    assert again.remaining == 600


def test_accounts_do_not_share_a_bucket() -> None:
    budgets = Budgets(Clock())
    budgets.spend(ACCOUNT, 600, 600)
    for other in ((ACCOUNT[1], ACCOUNT[1]), (ACCOUNT[0], ACCOUNT[0])):
        assert budgets.spend(other, 600, 600) is not None


def test_a_raised_and_a_lowered_budget_hold_at_once() -> None:
    budgets = Budgets(Clock())
    budgets.spend(ACCOUNT, 0, 600)
    found = budgets.spend(ACCOUNT, 1, 60)
    assert found is not None
    assert found.remaining == 59
    # Whoever has spent all of it need not wait for what a raise gives.
    spent = budgets.spend(ACCOUNT, 59, 60)
    assert spent is not None
    assert spent.remaining == 0
    raised = budgets.spend(ACCOUNT, 540, 600)
    assert raised is not None
    assert raised.remaining == 0
    lowered = budgets.left(ACCOUNT, 60)
    assert lowered is not None
    assert lowered.remaining == 0
    with pytest.raises(RateLimited):
        budgets.spend(ACCOUNT, 1, 60)


def test_buckets_are_bounded() -> None:
    budgets = Budgets(Clock(), kept=10)
    for number in range(100):
        budgets.spend((ACCOUNT[0], uuid.UUID(int=number)), 1, 600)
    assert len(budgets._buckets) == 10


def gate(**settings: int) -> tuple[Gate, Clock]:
    clock = Clock()
    return Gate(ApiSettings.model_validate(settings), Budgets(clock)), clock


STANDING = Standing(*ACCOUNT, UNSTATED, frozenset())
LIST = measured(parse("query($n: Int) { events(first: $n) { edges { node { id } } } }"))


def test_what_is_admitted_is_told_the_same_in_both_forms() -> None:
    doors, _ = gate(max_cost=1000, cost_per_minute=6000)
    admitted = doors.admit(LIST, {"n": 100}, STANDING)
    told = admitted.told()
    assert json.loads(b"{" + admitted.as_bytes() + b"}") == {"extensions": {"cost": told}}
    assert (told["requested"], told["limit"], told["remaining"]) == (102, 1000, 5898)
    whole = datetime.fromisoformat(told["resetAt"])
    assert timedelta(0) < whole - datetime.now(UTC) < timedelta(seconds=4)


def test_without_a_budget_only_the_figure_and_its_limit_are_told() -> None:
    doors, _ = gate(max_cost=1000, cost_per_minute=0)
    admitted = doors.admit(LIST, {"n": 1}, STANDING)
    assert admitted.told() == {"requested": 3, "limit": 1000}
    assert admitted.as_bytes() == b'"extensions":{"cost":{"requested":3,"limit":1000}}'


def test_every_exceeded_limit_is_told_with_the_figure_and_charges_nothing() -> None:
    doors, _ = gate(max_cost=100, max_rows=100, max_depth=3, cost_per_minute=6000)
    with pytest.raises(TooMuch) as refused:
        doors.admit(LIST, {"n": 101}, STANDING)
    assert [error.extensions for error in refused.value.errors] == [
        {"code": "QUERY_TOO_DEEP", "figure": 4, "limit": 3},
        {"code": "QUERY_TOO_COSTLY", "figure": 102, "limit": 100},
    ]
    nested = measured(parse("{ places { edges { node { children(first: 100) { edges { node {"
                            " name } } } } } } }"))  # fmt: skip
    with pytest.raises(TooMuch) as refused:
        doors.admit(nested, {}, STANDING)
    assert {"code": "QUERY_TOO_MANY_ROWS", "figure": 2020, "limit": 100} in [
        error.extensions for error in refused.value.errors
    ]
    assert not doors._budgets._buckets


def test_a_refusal_has_the_figures_and_takes_nothing() -> None:
    doors, _ = gate(max_cost=100, cost_per_minute=150)
    with pytest.raises(TooMuch) as too_much:
        doors.admit(LIST, {"n": 100}, STANDING)
    assert too_much.value.figures is not None
    told = too_much.value.figures.told()
    assert (told["requested"], told["limit"], told["remaining"]) == (102, 100, 150)
    doors.admit(LIST, {"n": 90}, STANDING)
    with pytest.raises(BudgetExhausted) as exhausted:
        doors.admit(LIST, {"n": 90}, STANDING)
    told = exhausted.value.figures.told()
    assert (told["requested"], told["limit"], told["remaining"]) == (92, 100, 58)
    assert exhausted.value.params["remaining"] == 58


def test_what_was_admitted_is_looked_at_again_without_a_charge() -> None:
    doors, _ = gate(max_cost=150, cost_per_minute=200)
    cost = doors.admit(LIST, {"n": 100}, STANDING).cost
    lower = structs.replace(STANDING, roles=frozenset({CallLimits(max_cost=101)}))
    for _ in range(2):
        assert doors.admit_again(cost, STANDING).told()["remaining"] == 98
        with pytest.raises(TooMuch) as refused:
            doors.admit_again(cost, lower)
        assert [one.extensions for one in refused.value.errors] == [
            {"code": "QUERY_TOO_COSTLY", "figure": 102, "limit": 101}
        ]


def test_reading_long_new_documents_costs_too() -> None:
    doors, clock = gate(cost_per_minute=6000)
    for _ in range(6):
        doors.admit_document(10_000, STANDING)
    with pytest.raises(RateLimited):
        doors.admit_document(10_000, STANDING)
    clock.now = 60
    doors.admit_document(10**9, STANDING)  # at most all of it
    with pytest.raises(TooMuch):
        doors.admit_shape(Shape(99, 0, 1), STANDING)
