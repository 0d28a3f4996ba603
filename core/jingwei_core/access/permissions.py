"""Permission sets (权限集): what one actor may do and where, compiled for the request path.

A grant is a permission name, ``area.*`` for everything below a name, or ``*`` for everything. It
holds in the subtrees of the places at which a post gives it. What is not granted is denied. The
meaning is that of ``model.conf``; a property test holds the two equal.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

EVERYTHING = "*"
EVERYWHERE = "/"
"""The prefix that every place path begins with."""

_NAME = r"[a-z][a-z0-9_-]*"
GRANT = re.compile(rf"\*|{_NAME}(\.{_NAME})*\.\*|{_NAME}(\.{_NAME})+")
"""What a role may list; use with ``fullmatch``."""

_MEMORY = 4096


@dataclass(frozen=True, slots=True)
class Grant:
    """What one valid post (岗位) gives: the permissions of its role in a subtree."""

    path: str
    permissions: tuple[str, ...]


class PermissionSet:
    """The compiled permissions of one actor (``jingwei_sdk.context.Permissions``); immutable.

    A check costs one dictionary access and one bisection, however many posts there are.
    """

    __slots__ = ("_by_grant", "_by_permission")

    def __init__(self, grants: Iterable[Grant] = ()) -> None:
        collected: dict[str, set[str]] = {}
        for grant in grants:
            if not is_path(grant.path):
                continue
            for permission in grant.permissions:
                collected.setdefault(permission, set()).add(grant.path)
        self._by_grant = {name: minimal(paths) for name, paths in collected.items()}
        self._by_permission: dict[str, tuple[str, ...]] = {}

    @classmethod
    def everything(cls) -> "PermissionSet":
        """All permissions in all places: the platform itself, never an account."""
        return cls([Grant(EVERYWHERE, (EVERYTHING,))])

    def allows(self, permission: str, path: str | None = None) -> bool:
        """Whether ``permission`` is held at ``path`` or, without a path, anywhere.

        ``permission`` may be a grant with a wildcard: then everything below it must be held by a
        grant at least as wide.
        """
        held = self.paths(permission)
        if path is None:
            return bool(held)
        # The prefixes are sorted and disjoint, so only the last one not after ``path`` can hold it.
        at = bisect_right(held, path)
        return at > 0 and path.startswith(held[at - 1])

    def paths(self, permission: str) -> tuple[str, ...]:
        """Where ``permission`` is held: sorted disjoint path prefixes, empty for nowhere."""
        known = self._by_permission.get(permission)
        if known is not None:
            return known
        found: set[str] = set()
        for name in wider_grants(permission):
            found.update(self._by_grant.get(name, ()))
        paths = minimal(found)
        if len(self._by_permission) >= _MEMORY:
            self._by_permission.clear()
        self._by_permission[permission] = paths
        return paths

    def grants(self) -> dict[str, tuple[str, ...]]:
        """Every grant as written in the roles, with its subtrees; for showing, not for checking."""
        return dict(sorted(self._by_grant.items()))

    def __repr__(self) -> str:
        return f"PermissionSet({self.grants()!r})"


def is_path(text: str) -> bool:
    """Whether ``text`` is a place path. Anything else as a prefix could open far too much."""
    return text.startswith("/") and text.endswith("/")


def wider_grants(permission: str) -> list[str]:
    """The grants that give ``permission``: itself, ``a.*`` for each name above it, and ``*``."""
    names = [permission, EVERYTHING]
    dot = permission.find(".")
    while dot > 0:
        names.append(permission[: dot + 1] + EVERYTHING)
        dot = permission.find(".", dot + 1)
    return names


def minimal(paths: Iterable[str]) -> tuple[str, ...]:
    """The prefixes without those that lie below another one, sorted as ``COLLATE "C"`` does.

    ``/a/1/`` keeps its sibling ``/a/11/``: paths end in a slash, so a prefix is an ancestor.
    """
    kept: list[str] = []
    for path in sorted(paths):
        if not kept or not path.startswith(kept[-1]):
            kept.append(path)
    return tuple(kept)
