"""Questions of a plugin: answered by its functions, read and refused like everything else."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from typing import Annotated, Any

import msgspec
import pytest

from jingwei_api.schema import global_id
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import Installed, PluginHost
from jingwei_core.registers.tables import Organisation
from jingwei_core.tables import core_records
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Refused
from jingwei_sdk.narrowing import (
    AnyOf,
    Asker,
    Equal,
    IsNull,
    Narrowed,
    OneOf,
    Under,
    Written,
)
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.questions import MOST_ROWS, AboutRow, Question
from jingwei_sdk.records import Many, One
from tests.api.planning.conftest import Asker as Asker_
from tests.api.planning.conftest import sent
from tests.api.world import World, installed

(ORGANISATION,) = [record for record in core_records() if record.name == "Organisation"]


class Part(msgspec.Struct, frozen=True):
    """A part of an answer."""

    code: str
    number: int | None = None


class Answer(msgspec.Struct, frozen=True):
    """A plain answer."""

    text: str
    parts: tuple[Part, ...] = ()


class Given(msgspec.Struct, frozen=True):
    """What a question is asked with."""

    text: Annotated[str, msgspec.Meta(max_length=10)]
    organisation: Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Organisation"})] | None = None
    how_often: int = 1


async def echo(ctx: Context, given: Given) -> Answer:
    assert await ctx.data.fetch("SELECT 1 FROM core.account")
    return Answer(given.text * given.how_often, (Part("a", 1), Part("b")))


async def several(ctx: Context) -> list[Answer]:
    return [Answer("one"), Answer("two")]


async def nothing(ctx: Context) -> Answer | None:
    return None


async def all_of_them(ctx: Context) -> list[uuid.UUID]:
    rows = await ctx.data.fetch("SELECT id FROM core.organisation ORDER BY name")
    return [row["id"] for row in rows]


async def named(ctx: Context, given: Given) -> uuid.UUID | None:
    return given.organisation


async def broken(ctx: Context) -> Answer:
    await ctx.data.fetch("SELECT 1 / 0")
    return Answer("")


async def refusing(ctx: Context) -> Answer:
    raise Conflict("PLUGIN_NEEDED", plugin="asked", by=["nobody"])


async def writing(ctx: Context) -> Answer:
    (row,) = await ctx.data.find(Organisation, name="yichang 003")
    await ctx.data.update(row, name="renamed")
    return Answer("done")


async def wrong(ctx: Context) -> Answer:
    return "no answer"  # type: ignore[return-value]


class Named(msgspec.Struct, frozen=True):
    """How the organisations begin, and how many letters their names have at most."""

    begins: str
    letters: int = 100


def everything(asker: Asker) -> Narrowed:
    return Narrowed(())


def begin_with(asker: Asker, given: Named) -> Narrowed:
    """Of those that begin so the shortest first, with what it takes to be one of them."""
    if given.begins == "fail":
        raise RuntimeError("a person's name")
    like = {"like": given.begins + "%", "most": given.letters}
    length = Written("length({row}.name)::integer")
    shown = Written("{row}.name LIKE {like}::text AND length({row}.name) <= {most}::integer", like)
    kinds = AnyOf(((Equal("kind", "enterprise"),), (IsNull("kind", is_null=False),)))
    lies = Under("place_path", tuple(asker.permissions.paths("organisation.read")))
    return Narrowed(
        (shown, kinds, lies, OneOf("kind", ("enterprise", "institution"))),
        Written("{row}.name DESC"),
        {"letters": length},
    )


class Mine(msgspec.Struct, frozen=True):
    """What is told of who asks."""

    id: uuid.UUID
    text: str
    nobody: uuid.UUID | None = None


def mine(asker: Asker, given: Given) -> Mine | None:
    """Told without the database; nothing for an empty text."""
    if given.text == "fail":
        raise RuntimeError("a person's name")
    if given.text == "wrong":
        return Answer("of another type")  # type: ignore[return-value]
    told = f"{given.text} {asker.locale} {len(asker.permissions.grants()) > 0}"
    assert asker.actor.account_id is not None
    return Mine(asker.actor.account_id, told) if given.text else None


def refuses(asker: Asker) -> Narrowed:
    raise Conflict("PLUGIN_NEEDED", plugin="asked", by=["nobody"])


def _narrowed(name: str, narrow: Any, **more: Any) -> Question:
    told = {"permission": "organisation.read", **more}
    return Question(name, ORGANISATION, narrow=narrow, **told)


def _question(name: str, resolve: Any, answers: Any = Answer, **more: Any) -> Question:
    told = {"permission": "organisation.read", **more}
    return Question(name, answers, resolve, **told)


LEADING = {
    "account": One("id", "Account"),
    "nobody_else": One("nobody", "Account"),
    "posts": Many("Post", "account"),
}
ABOUT = AboutRow("NamedOrganisation", "organisation", {"letters": "Of its name.", "no": ""}, 2)
ASKED = Plugin(
    id="asked",
    package="tests",
    questions=(
        _question("echo", echo, input=Given),
        _question("several", several, is_list=True, permission="", signed_in=True),
        _question("nothing", nothing),
        _question("organisations", all_of_them, ORGANISATION, is_list=True),
        _question("named", named, ORGANISATION, input=Given),
        _question("broken", broken),
        _question("refusing", refusing),
        _question("writing", writing),
        _question("wrong", wrong),
        _narrowed("page", begin_with, input=Named, is_page=True),
        _narrowed("last", begin_with, input=Named),
        _narrowed("few", begin_with, input=Named, about=ABOUT),
        Question("mine", Mine, tell=mine, input=Given, signed_in=True, relations=LEADING),
        Question("hidden", Part, tell=refuses, permission="asked.nobody-has-this"),
        _narrowed("refused", refuses, is_page=True),
        _narrowed("closed", everything, is_page=True, permission="asked.nobody-has-this"),
        _question("guarded", nothing, permission="asked.nobody-has-this", cost=500),
    ),
)


@pytest.fixture(autouse=True)
async def enabled(platform: Platform, world: World) -> AsyncIterator[None]:
    before = platform.host
    known = [*installed(), Installed("asked", "available", plugin=ASKED)]
    platform.host = PluginHost(before.core, known)
    async with platform.database.owner() as unit:
        await unit.execute(
            "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled) VALUES"
            " ($1, 'asked', true)",
            world.yichang.id,
        )
    platform.forget()
    yield
    async with platform.database.owner() as unit:
        await unit.execute("DELETE FROM platform.plugin_state WHERE plugin_id = 'asked'")
    platform.host = before
    platform.forget()


async def test_an_answer_of_plain_values_with_arguments(centre: Asker_) -> None:
    query = """query($text: String!, $n: Long) { asked {
      echo(text: $text, howOften: $n) { text parts { code number } }
      again: echo(text: "b") { text __typename } several { text parts { code } }
      nothing { text } } }"""
    told = (await centre.data(query, text="ab", n=2))["asked"]
    assert told == {
        "echo": {
            "text": "abab",
            "parts": [{"code": "a", "number": 1}, {"code": "b", "number": None}],
        },
        "again": {"text": "b", "__typename": "Answer"},
        "several": [{"text": "one", "parts": []}, {"text": "two", "parts": []}],
        "nothing": None,
    }  # fmt: skip
    # Another request of the same shape is answered by its own values.
    assert (await centre.data(query, text="x", n=3))["asked"]["echo"]["text"] == "xxx"


async def test_rows_are_read_in_sight_only(centre: Asker_, staff: Asker_, world: World) -> None:
    query = "{ asked { organisations { name place { name } } } }"
    whole = (await centre.data(query))["asked"]["organisations"]
    seen = (await staff.data(query))["asked"]["organisations"]
    assert len(world.yichang.organisations) <= len(whole) == len(seen) <= MOST_ROWS
    assert all(row is not None for row in whole)
    shown = [row for row in seen if row is not None]
    own = (await staff.data("{ organisations(first: 50) { totalCount } }"))["organisations"]
    assert 0 < len(shown) == own["totalCount"] < len(seen)
    row_id = global_id.encode("Organisation", world.yichang.organisations[0])
    named = 'query($id: ID) { asked { named(text: "", organisation: $id) { id } } }'
    assert (await centre.data(named, id=row_id))["asked"]["named"] == {"id": row_id}
    assert (await centre.data(named))["asked"]["named"] is None


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("broken { text }", "QUESTION_FAILED"),
        ("wrong { text }", "QUESTION_FAILED"),
        ("refusing { text }", "PLUGIN_NEEDED"),
        ("guarded { text }", "PERMISSION_DENIED"),
        ("closed { totalCount }", "PERMISSION_DENIED"),
        ("refused { totalCount }", "PLUGIN_NEEDED"),
        ('last(begins: "fail") { name }', "QUESTION_FAILED"),
        ('mine(text: "fail") { text }', "QUESTION_FAILED"),
        ('mine(text: "wrong") { text posts { totalCount } }', "QUESTION_FAILED"),
        ("hidden { code }", "PERMISSION_DENIED"),
        ('last(begins: "a\\u0000") { name }', "VALUE_UNSTORABLE"),
        ('echo(text: "much too long a text") { text }', "INPUT_INVALID"),
        ('named(text: "", organisation: "x") { id }', "ID_INVALID"),
    ],
)
async def test_what_fails_takes_its_own_field_only(staff: Asker_, field: str, code: str) -> None:
    told = await staff(f"{{ asked {{ it: {field} several {{ text }} }} me {{ name }} }}")
    assert told["data"]["asked"]["it"] is None
    assert [one["text"] for one in told["data"]["asked"]["several"]] == ["one", "two"]
    assert told["data"]["me"]["name"]
    ((error),) = told["errors"]
    assert (error["extensions"]["code"], error["path"]) == (code, ["asked", "it"])


async def test_what_a_question_writes_is_undone(centre: Asker_, world: World) -> None:
    audited = await world.yichang.value("SELECT count(*) FROM core.audit_entry")
    assert (await centre.data("{ asked { writing { text } } }"))["asked"]["writing"] == {
        "text": "done"
    }
    assert await world.yichang.value(
        "SELECT count(*) FROM core.organisation WHERE name = 'renamed'"
    ) == 0  # fmt: skip
    assert await world.yichang.value("SELECT count(*) FROM core.audit_entry") == audited


async def test_its_cost_is_what_it_declares(centre: Asker_) -> None:
    async def cost(field: str) -> int:
        told = await centre("{ asked { %s } }" % field)  # noqa: UP031 - braces
        found: int = told["extensions"]["cost"]["requested"]
        return found

    assert await cost("guarded { text }") - await cost("nothing { text }") == 499
    own = 1
    # As many rows as it may answer, and for each of them what is asked of it.
    assert await cost("organisations { name }") == own + MOST_ROWS
    assert await cost("organisations { place { name } }") == own + 2 * MOST_ROWS
    few = 'few(begins: "x") { organisation { place { name } } }'
    assert await cost(few) == own + ABOUT.most * 3
    assert await cost("several { text }") == own + 20


async def test_narrowed_questions_are_part_of_the_one_statement(
    centre: Asker_, staff: Asker_
) -> None:
    query = """query($b: String!, $n: Long, $first: Int) { asked {
      page(begins: $b, letters: $n, first: $first) { totalCount edges { node { name } } }
      last(begins: $b) { name }
      few(begins: $b) { letters no organisation { name } } } }"""
    for asker in (centre, staff):
        every = await asker.data("{ organisations(first: 50) { edges { node { name } } } }")
        names = sorted(edge["node"]["name"] for edge in every["organisations"]["edges"])
        given = {"b": "yichang 00", "n": 11, "first": 3}
        await asker.data(query, **given)
        with sent() as noted:
            told = (await asker.data(query, **given))["asked"]
        assert (len(noted.trips), len(noted.in_units)) == (1, 0)
        met = [name for name in names if name.startswith("yichang 00")]
        assert told["page"]["totalCount"] == len(met) > 3
        assert len(told["page"]["edges"]) == 3
        assert told["last"] == {"name": met[-1]}
        assert told["few"] == [
            {"letters": 11, "no": None, "organisation": {"name": name}}
            for name in (met[-1], met[-2])
        ]
    # Values are of the request, not of the statement that serves it.
    nobody = (await centre.data(query, b="no such", n=1, first=1))["asked"]
    assert nobody == {"page": {"totalCount": 0, "edges": []}, "last": None, "few": []}


async def test_what_the_session_knows_leads_to_rows_in_one_statement(
    centre: Asker_, staff: Asker_
) -> None:
    query = """query($t: String!) { asked { mine(text: $t) { __typename text
      account { name } nobodyElse { name } posts(first: 1) { totalCount edges { node { id } } }
    } } me { id name permissions account { name } posts { totalCount } } }"""
    for asker in (centre, staff):
        await asker.data(query, t="a")
        with sent() as noted:
            told = await asker.data(query, t="b")
        assert (len(noted.trips), len(noted.in_units)) == (1, 0)
        mine, me = told["asked"]["mine"], told["me"]
        assert (mine["text"], mine["__typename"]) == ("b zh True", "Mine")
        assert (mine["account"], mine["nobodyElse"]) == ({"name": me["name"]}, None)
        assert mine["posts"]["totalCount"] == me["posts"]["totalCount"] == 1
        assert len(mine["posts"]["edges"]) == 1
        nothing = await asker.data(query, t="")
        assert (nothing["asked"]["mine"], nothing["me"]) == (None, me)


async def test_without_the_plugin_there_is_no_such_field(asking: Any, world: World) -> None:
    told = await asking(world.changzhi, "chief")("{ asked { nothing { text } } }")
    assert "asked" in told["errors"][0]["message"]


async def test_several_requests_at_once_keep_their_answers(centre: Asker_) -> None:
    query = "query($text: String!) { asked { echo(text: $text) { text } } }"
    told = await asyncio.gather(*(centre.data(query, text=str(n)) for n in range(8)))
    assert [one["asked"]["echo"]["text"] for one in told] == [str(n) for n in range(8)]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"permission": ""}, "QUESTION_WITHOUT_PERMISSION"),
        ({"permission": "everything"}, "QUESTION_WITHOUT_PERMISSION"),
        ({"signed_in": True}, "QUESTION_WITHOUT_PERMISSION"),
        ({"cost": -1}, "COST_NEGATIVE"),
        ({"resolve": lambda ctx: None}, "QUESTION_NOT_ASYNC"),
        ({"resolve": None}, "QUESTION_SHAPE"),
        ({"narrow": everything}, "QUESTION_SHAPE"),
        ({"resolve": None, "narrow": everything}, "QUESTION_SHAPE"),
        ({"is_page": True}, "QUESTION_SHAPE"),
        ({"relations": LEADING}, "QUESTION_SHAPE"),
        ({"tell": refuses}, "QUESTION_SHAPE"),
        ({"resolve": None, "tell": refuses, "answers": ORGANISATION}, "QUESTION_SHAPE"),
        ({"resolve": None, "tell": refuses, "is_list": True}, "QUESTION_SHAPE"),
        ({"resolve": None, "tell": refuses, "relations": LEADING}, "QUESTION_SHAPE"),
        ({"resolve": None, "tell": nothing}, "QUESTION_SHAPE"),
        ({"resolve": None, "narrow": everything, "answers": ORGANISATION, "is_list": True},
         "QUESTION_SHAPE"),
    ],
)  # fmt: skip
def test_what_is_no_question(more: dict[str, Any], code: str) -> None:
    told = {"resolve": nothing, "answers": Answer, "permission": "organisation.read", **more}
    with pytest.raises(Refused) as refusal:
        Question("it", **told)
    assert refusal.value.code == code
