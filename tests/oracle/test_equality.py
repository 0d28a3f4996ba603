"""Whatever is asked, the answer is that of the plain executor.

``JINGWEI_TEST_ORACLE_CASES`` asks more; ``--hypothesis-seed`` and ``JINGWEI_TEST_ORACLE_SEED`` ask
the same again.
"""

import asyncio
import os
from collections.abc import Mapping

import pytest
from graphql import parse, validate
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.equality import Equality
from tests.oracle.operations import Operation, operations
from tests.oracle.searching import Search, searching
from tests.oracle.vocabulary import Vocabulary
from tests.oracle.world import Seen

CASES = int(os.environ.get("JINGWEI_TEST_ORACLE_CASES", "600"))
OF_A, OF_B = 4, 1
"""How the cases are shared out: the second city has no plugins and shows little that is new."""


@pytest.mark.parametrize(("city", "share"), [("a", OF_A), ("b", OF_B)])
def test_every_answer_is_the_plain_one(
    city: str,
    share: int,
    cities: Mapping[str, Seen],
    words: Mapping[str, Vocabulary],
    loop: asyncio.AbstractEventLoop,
) -> None:
    equality, search = Equality(cities[city]), Search(loop)

    @searching(CASES * share // (OF_A + OF_B))
    @given(asked=operations(words[city]))
    def ask(asked: Operation) -> None:
        search.run(repr(asked), lambda: equality.check(asked))

    ask()


@searching(20)
@given(data=st.data())
def test_what_is_drawn_is_valid(data: st.DataObject, words: Mapping[str, Vocabulary]) -> None:
    asked = data.draw(operations(words["a"]))
    assert validate(words["a"].schema, parse(asked.document)) == []
