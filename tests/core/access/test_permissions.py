"""Compiled permission sets: wildcards, subtrees, and nothing without a grant."""

import pytest

from jingwei_core.access.permissions import GRANT, Grant, PermissionSet, minimal, wider_grants


def held(path: str, *permissions: str) -> Grant:
    return Grant(path, permissions)


def test_no_grant_means_no():
    empty = PermissionSet()
    assert not empty.allows("event.read")
    assert not empty.allows("event.read", "/1/")
    assert empty.paths("event.read") == ()


@pytest.mark.parametrize(
    ("grant", "permission", "expected"),
    [
        ("event.read", "event.read", True),
        ("event.read", "event.reads", False),
        ("event.read", "event", False),
        ("event.read", "event.read.all", False),
        ("event.*", "event.read", True),
        ("event.*", "event.note.add", True),
        ("event.*", "events.read", False),
        ("event.*", "event", False),
        ("safety.hazard.*", "safety.hazard.rectify", True),
        ("safety.hazard.*", "safety.enterprise.read", False),
        ("*", "anything.at-all", True),
        ("event.*", "event.*", True),
        ("event.read", "event.*", False),
        ("event.*", "*", False),
        ("*", "*", True),
        ("event.*", "event.note.*", True),
    ],
)
def test_what_a_grant_gives(grant: str, permission: str, expected: bool):
    permissions = PermissionSet([held("/1/", grant)])
    assert permissions.allows(permission) is expected
    assert permissions.allows(permission, "/1/2/") is expected
    assert permissions.paths(permission) == (("/1/",) if expected else ())


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/a/1/", True),
        ("/a/1/5/", True),
        ("/a/11/", False),
        ("/a/1", False),
        ("/a/", False),
        ("/a/10/1/", False),
        ("/b/a/1/", False),
        ("", False),
        ("/", False),
    ],
)
def test_a_subtree_ends_where_the_sibling_begins(path: str, expected: bool):
    assert PermissionSet([held("/a/1/", "event.read")]).allows("event.read", path) is expected


def test_posts_add_up_to_disjoint_prefixes():
    permissions = PermissionSet(
        [
            held("/a/1/", "event.read"),
            held("/a/1/7/", "event.*"),
            held("/a/11/", "event.read"),
            held("/b/", "*"),
            held("/b/2/", "event.read"),
        ]
    )
    assert permissions.paths("event.read") == ("/a/1/", "/a/11/", "/b/")
    assert permissions.paths("event.file") == ("/a/1/7/", "/b/")
    assert permissions.allows("event.file", "/a/1/7/1/")
    assert not permissions.allows("event.file", "/a/1/8/")
    assert permissions.allows("role.save", "/b/9/")
    assert not permissions.allows("role.save", "/a/1/7/")


def test_asking_again_gives_the_same_answer():
    permissions = PermissionSet([held("/a/", "event.*")])
    for number in range(5_000):
        assert permissions.paths(f"event.made-up-{number}") == ("/a/",)
    assert permissions.paths("event.read") == ("/a/",)
    assert permissions.paths("place.read") == ()


@pytest.mark.parametrize("path", ["", "a", "/a", "a/"])
def test_a_broken_path_opens_nothing(path: str):
    permissions = PermissionSet([held(path, "*")])
    assert not permissions.allows("event.read")
    assert not permissions.allows("event.read", "/a/1/")
    assert permissions.paths("event.read") == ()


def test_the_platform_itself_may_do_everything_everywhere():
    everything = PermissionSet.everything()
    assert everything.paths("event.read") == ("/",)
    assert everything.allows("event.read", "/a/1/")


def test_minimal_keeps_the_topmost():
    assert minimal(["/a/1/", "/a/", "/b/1/", "/b/11/", "/b/1/1/"]) == ("/a/", "/b/1/", "/b/11/")


def test_wider_grants_name_every_way_to_hold_a_permission():
    assert wider_grants("a.b.c") == ["a.b.c", "*", "a.*", "a.b.*"]


@pytest.mark.parametrize("text", ["*", "event.*", "event.read", "safety.hazard.rectify", "a-b.c"])
def test_grants_a_role_may_list(text: str):
    assert GRANT.fullmatch(text)


@pytest.mark.parametrize("text", ["", "event", "Event.read", "event.", ".read", "ev*.read", "**"])
def test_grants_a_role_may_not_list(text: str):
    assert not GRANT.fullmatch(text)
