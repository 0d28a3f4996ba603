"""Lists of tests: what another database server may change, for every folder; the longest files."""

from pathlib import PurePath

from tests.policy.project import paths
from tests.servers.differing import arguments, is_decided, lists
from tests.servers.longest import LONGEST, rank


def _folders() -> set[str]:
    tests = [PurePath(path) for path in paths() if PurePath(path).match("tests/**/test_*.py")]
    return {str(path.relative_to("tests").parent) for path in tests}


def test_every_folder_of_tests_is_in_one_of_the_lists() -> None:
    told = lists()
    assert [folder for folder in sorted(_folders()) if not is_decided(folder, told)] == []


def test_a_folder_that_nobody_thought_of_is_noticed() -> None:
    assert not is_decided("core/thought_of_by_nobody", lists())
    assert is_decided("api/relay", lists())


def test_the_lists_name_what_is_there_once_and_say_why() -> None:
    differs, same = lists()["differs"], lists()["same"]
    known = {f"tests/{name}" for name in (*differs, *same)}
    there = {str(parent) for path in paths() for parent in (path, *PurePath(path).parents)}
    assert known - there == set()
    assert differs.keys() & same.keys() == set()
    assert all(reason.strip() for reason in (*differs.values(), *same.values()))
    # pytest runs a path once that stands in a folder named as well; the list would say it twice.
    assert [a for a in differs for b in differs if PurePath(b) in PurePath(a).parents] == []


def test_what_is_the_same_within_a_folder_that_differs_is_left_out() -> None:
    told = {"differs": {"a": "!"}, "same": {"a/test_b.py": "!", "c": "!"}}
    assert arguments(told) == ["tests/a", "--ignore=tests/a/test_b.py"]


def test_the_longest_files_are_there_and_are_begun_first() -> None:
    assert {f"tests/{name}" for name in LONGEST} - set(paths()) == set()
    begun = ["tests/a/test_b.py::test_c", *(f"tests/{name}::test_c[d]" for name in LONGEST)]
    assert sorted(begun, key=rank) == [*begun[1:], begun[0]]
