"""As whom the embedded server runs, and whether that account can reach a folder."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from jingwei_sdk.errors import Unavailable

# Existing accounts only: a platform that is merely started must not change the machine's users.
_CANDIDATES = ("jingwei", "postgres", "nobody")


class SwitchArguments(TypedDict, total=False):
    """How ``subprocess`` becomes another account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the machine; ``switch`` says that we are root and must become it."""

    name: str
    uid: int
    gid: int
    switch: bool

    def subprocess_arguments(self) -> "SwitchArguments":
        """What ``subprocess`` needs to run a program as this account and no other group."""
        if not self.switch:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give ``path`` to the account, if that is not us already."""
        if self.switch:
            os.chown(path, self.uid, self.gid)

    def blocked_at(self, path: Path) -> Path | None:
        """The first directory on the way to ``path`` that the account may not pass, if any."""
        for step in (*reversed(path.parents), path):
            if not step.exists():
                return None
            if step.is_dir() and not self._may(step, 0o1):
                return step
        return None

    def can_read(self, path: Path) -> bool:
        """Whether the account may pass to ``path`` and read it."""
        return self.blocked_at(path) is None and self._may(path, 0o4)

    def _may(self, path: Path, bit: int) -> bool:
        if not self.switch:
            return os.access(path, os.X_OK if bit == 0o1 else os.R_OK)
        status = path.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & (bit << 6))
        if status.st_gid == self.gid:
            return bool(status.st_mode & (bit << 3))
        return bool(status.st_mode & bit)


def choose_account(wanted: str | None, cluster: Path) -> Account:
    """The account for the server: ourselves, or as root the owner of ``cluster``, ``wanted``, or
    the first of jingwei, postgres, nobody that exists.

    Raises ``Unavailable``: ``SERVER_ACCOUNT_UNKNOWN`` (no such account),
    ``SERVER_FOLDER_FOREIGN`` (the cluster belongs to another user).
    """
    me = os.geteuid()
    owner = cluster.stat().st_uid if cluster.exists() else None
    if me != 0:
        if owner not in (None, me):
            raise Unavailable("SERVER_FOLDER_FOREIGN", file=str(cluster), owner=_name(owner))
        return Account(_name(me), me, os.getegid(), switch=False)
    if owner:
        entry = _entry(_name(owner))
        return Account(_name(owner), owner, entry.pw_gid if entry else owner, switch=True)
    for name in (wanted,) if wanted else _CANDIDATES:
        entry = _entry(name)
        if entry is not None and entry.pw_uid != 0:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)
    raise Unavailable("SERVER_ACCOUNT_UNKNOWN", account=wanted or ", ".join(_CANDIDATES))


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _name(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid or 0).pw_name
    except KeyError:
        return str(uid)
