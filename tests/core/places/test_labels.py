"""Paths: a subtree is a prefix, and a look-alike sibling is outside of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei_core.places.labels import ancestor_paths, child_path, covers, label


@pytest.mark.parametrize(("ordinal", "text"), [(1, "1"), (35, "z"), (36, "10"), (46_655, "zzz")])
def test_labels_are_base_36(ordinal: int, text: str) -> None:
    assert label(ordinal) == text


@pytest.mark.parametrize("ordinal", [0, -1])
def test_a_number_below_one_has_no_label(ordinal: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        label(ordinal)


def test_a_path_covers_its_subtree_and_not_its_look_alike() -> None:
    assert covers("/a/1/", "/a/1/")
    assert covers("/a/1/", "/a/1/x/")
    assert not covers("/a/1/", "/a/11/")
    assert ancestor_paths("/a/1/x/") == ["/a/", "/a/1/"]


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=12))
def test_the_range_of_a_path_holds_just_its_subtree(ordinals: list[int]) -> None:
    path = None
    paths = []
    for ordinal in ordinals:
        path = child_path(path, ordinal)
        paths.append(path)
    for prefix in paths:
        low, high = prefix, prefix[:-1] + "0"
        for other in paths:
            assert (low <= other < high) == covers(prefix, other)
        sibling = prefix[:-1] + "1/"
        assert not low <= sibling < high
