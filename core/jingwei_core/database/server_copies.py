"""Copies of a stopped embedded server (内置数据库副本), kept to start from the next time.

A copy holds the data directory and the administrator's password, nothing else; it is started in
another folder, under whichever account the machine has for it.
"""

import json
import os
import shutil
from pathlib import Path

from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.database.server_account import choose_account

_CLUSTER = "cluster"
_FACTS = "server.json"
# Of the run that ended: what the next one writes anew.
_LEFT_OUT = shutil.ignore_patterns("postmaster.pid", "postmaster.opts", "log")


def keep_copy(server: EmbeddedServer, target: Path) -> None:
    """Copy a server that does not run into the new folder ``target``, readable for us alone.

    Raises ``OSError``; what was copied until then stays.
    """
    target.mkdir(mode=0o700, parents=True)
    shutil.copytree(server.cluster, target / _CLUSTER, ignore=_LEFT_OUT, symlinks=True)
    shutil.copy2(server.folder / _FACTS, target / _FACTS)


def from_copy(source: Path, folder: Path, *, account: str | None = None) -> EmbeddedServer:
    """A server in the new folder ``folder``, not started yet, with what the copy holds.

    Raises ``OSError``, ``ValueError`` for what is no copy, ``Unavailable``
    (``SERVER_ACCOUNT_UNKNOWN``).
    """
    server = EmbeddedServer(folder, account=account)
    owner = choose_account(account, server.cluster)
    facts = json.loads((source / _FACTS).read_text(encoding="utf-8"))
    folder.mkdir(mode=0o711 if owner.switch else 0o700, parents=True)
    shutil.copytree(source / _CLUSTER, server.cluster, symlinks=True)
    if owner.switch:
        for place, folders, files in os.walk(server.cluster):
            for name in (*folders, *files):
                owner.own(Path(place) / name)
        owner.own(server.cluster)
    # Where the copied one listened is nobody's now.
    told = {"sockets": str(folder / "run"), "password": facts["password"]}
    draft = folder / _FACTS
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(told), encoding="utf-8")
    return server
