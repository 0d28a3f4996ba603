"""Whatever is asked, the answer is that of the plain executor.

``JINGWEI_TEST_ORACLE_CASES`` asks more; ``--hypothesis-seed`` and ``JINGWEI_TEST_ORACLE_SEED`` ask
the same again.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace

import pytest
from graphql import parse, validate
from hypothesis import given
from hypothesis import strategies as st

from jingwei_core.places import search as places
from jingwei_core.platform import Platform
from jingwei_core.reading import areas, merging, scans
from tests.oracle.equality import Equality
from tests.oracle.operations import Operation, operations
from tests.oracle.searching import Search, searching
from tests.oracle.subject import Subject, executor_of
from tests.oracle.vocabulary import Vocabulary
from tests.oracle.world import Seen

CASES = int(os.environ.get("JINGWEI_TEST_ORACLE_CASES", "600"))
A_TENTH = CASES // 10
A_HANDFUL = 4


def compare(seen: Seen, words: Vocabulary, cases: int, loop: asyncio.AbstractEventLoop) -> None:
    """Ask so many questions and fail with a small one whose answers differ."""
    equality, search = Equality(seen), Search(loop)

    @searching(cases)
    @given(asked=operations(words))
    def ask(asked: Operation) -> None:
        search.run(repr(asked), lambda: equality.check(asked))

    ask()


@pytest.mark.parametrize(("city", "tenths"), [("a", 5), ("b", 1)])
def test_every_answer_is_the_plain_one(
    city: str,
    tenths: int,
    cities: Mapping[str, Seen],
    words: Mapping[str, Vocabulary],
    loop: asyncio.AbstractEventLoop,
) -> None:
    compare(cities[city], words[city], A_TENTH * tenths, loop)


def test_so_it_is_where_much_is_in_sight(
    cities: Mapping[str, Seen],
    words: Mapping[str, Vocabulary],
    oracle_platform: Platform,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is taken for little decides how rows are found: here, hardly anything is."""
    few = ((scans, "FEW_ROWS"), (areas, "FEW_ROWS"), (areas, "MOST_ROWS"), (places, "FEW"))
    for module, name in few:
        monkeypatch.setattr(module, name, A_HANDFUL)
    one = ((areas, "FEW_PLACES"), (areas, "MOST_PLACES"), (merging, "FEW_PLACES"))
    for module, name in one:
        monkeypatch.setattr(module, name, 1)
    subject = Subject(executor_of(oracle_platform), cities["a"].subject.tenant)

    compare(replace(cities["a"], subject=subject), words["a"], A_TENTH * 4, loop)


@searching(20)
@given(data=st.data())
def test_what_is_drawn_is_valid(data: st.DataObject, words: Mapping[str, Vocabulary]) -> None:
    asked = data.draw(operations(words["a"]))
    assert validate(words["a"].schema, parse(asked.document)) == []
