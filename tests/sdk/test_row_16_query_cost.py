"""Row 16: cost in the field decorator, not in a hand map."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from jingwei_core.registers.tables import Organisation
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Refused
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.questions import Question
from jingwei_sdk.records import AtPlace, Computed, Extension, Record
from tests.api.planning.conftest import Asker
from tests.sdk.graphql_scene import GraphQLScene, found

_RECORD = Record(
    Organisation,
    read="cost.read",
    scope=(AtPlace(),),
    name="CostStall",
    plural="costStalls",
    hidden=frozenset({"place_path", "search_text"}),
)


class CostAnswer(msgspec.Struct, frozen=True):
    """A plain answer."""

    number: int


async def _numbers(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    return [1 for _ in rows]


async def _answer(ctx: Context) -> CostAnswer:
    return CostAnswer(1)


def _plugin(field: int | None, record: int, act: int | None, question: int) -> Plugin:
    """A plugin whose declarations cost so much."""

    @command("cost.act", permission="cost.read", tenant_wide=True, cost=act)
    async def make(ctx: Context) -> CostAnswer:
        """Act."""
        return CostAnswer(2)

    worked = Computed(int, ("id",), _numbers, permission="cost.read", cost=field)
    return Plugin(
        id="cost",
        package="tests",
        records=(replace(_RECORD, cost=record),),
        commands=(make,),
        extensions=(Extension("Organisation", computed={"cost_number": worked}),),
        questions=(Question("answer", CostAnswer, _answer, permission="cost.read", cost=question),),
    )


_FIELD = "{ organisations(first: 7) { edges { node { name %s } } } }"
_LIST = "{ cost { stalls(first: 3) { edges { node { name } } } } }"
_ACT = 'mutation { costAct(idempotencyKey: "%s") { result { number } } }'
_ASK = "{ cost { answer { number } } }"
_ENABLED = {"yichang": ["cost"]}


async def _cost(asker: Asker, document: str) -> int:
    told = await asker(document)
    assert "errors" not in told, told
    figure: int = told["extensions"]["cost"]["requested"]
    return figure


async def _figures(asker: Asker) -> dict[str, int]:
    plain = await _cost(asker, _FIELD % "")
    return {
        "field": await _cost(asker, _FIELD % "costNumber") - plain,
        "list": await _cost(asker, _LIST),
        "act": await _cost(asker, _ACT % uuid.uuid4()),
        "ask": await _cost(asker, _ASK),
    }


@pytest.mark.parametrize(
    ("declared", "figures"),
    [
        # 7 rows × 2; a list 2 and 3 rows; a mutation 10; what a question says.
        ((None, 0, None, 1), {"field": 14, "list": 5, "act": 10, "ask": 1}),
        ((50, 40, 300, 70), {"field": 350, "list": 45, "act": 300, "ask": 70}),
        ((0, 0, 0, 0), {"field": 0, "list": 5, "act": 0, "ask": 0}),
    ],
    ids=["usual", "dear", "free"],
)
async def test_what_a_declaration_says_is_what_is_counted(
    declared: tuple[int | None, int, int | None, int],
    figures: dict[str, int],
    graphql_scene: GraphQLScene,
) -> None:
    held = found(_plugin(*declared), "cost.read", graphql_prefix="Cost")
    async with graphql_scene.having([held], _ENABLED) as asking:
        assert await _figures(asking.by("yichang")) == figures


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (_FIELD % "costNumber", "QUERY_TOO_COSTLY"),
        (_LIST.replace("3", "101"), "PAGE_SIZE_INVALID"),
        ("{ cost { stalls { edges { node { place { parent { parent { name } } } } } } } }",
         "QUERY_TOO_DEEP"),
    ],
    ids=["cost", "list", "depth"],
)  # fmt: skip
async def test_caps_hold_for_fields_of_plugins(
    document: str, code: str, graphql_scene: GraphQLScene
) -> None:
    held = found(_plugin(100, 0, None, 1), "cost.read", graphql_prefix="Cost")
    limits = {"max_cost": 500, "max_depth": 6}
    async with graphql_scene.having([held], _ENABLED, **limits) as asking:
        told = await asking.by("yichang")(document)
    assert [error["extensions"]["code"] for error in told["errors"]] == [code]
    assert not (told.get("data") or {}).get("cost", {}).get("stalls")


def test_a_cost_below_nothing_is_refused() -> None:
    for make in (
        lambda: replace(_RECORD, cost=-1),
        lambda: replace(
            _RECORD, computed={"it": Computed(int, ("id",), _numbers, "cost.read", cost=-1)}
        ),
        lambda: _plugin(None, 0, -1, 1),
        lambda: _plugin(None, 0, None, -1),
    ):
        with pytest.raises(Refused) as refusal:
            make()
        assert refusal.value.code == "COST_NEGATIVE"
