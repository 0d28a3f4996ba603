"""The passwords of demo accounts (演示口令): made at random, in one file only its owner reads.

There is no default password: whoever starts a demo reads the file of that machine.
"""

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from jingwei_core.access.passwords import generate_password
from jingwei_core.settings import Settings
from jingwei_core.tenants.package_model import DemoAccount
from jingwei_sdk.errors import Unavailable

FILE_NAME = "demo-accounts.json"


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """How to sign in as a demo account, and what it is for: codes of its role, place and unit."""

    login: str
    password: str
    name: str
    role: str
    place: str
    department: str


def accounts_path(settings: Settings) -> Path:
    """Where the passwords of this deployment's demo lie."""
    return settings.data_dir / FILE_NAME


def read_logins(path: Path, slug: str) -> dict[str, DemoLogin]:
    """The demo accounts of a tenant by login; none when the file or the tenant is not there.

    Raises ``Unavailable`` (``DEMO_ACCOUNTS_UNREADABLE``) for a file that cannot be read.
    """
    return {row["login"]: DemoLogin(**row) for row in _stored(path).get(slug, ())}


def keep_logins(path: Path, slug: str, accounts: Sequence[DemoAccount]) -> dict[str, DemoLogin]:
    """The demo accounts of a tenant; a password is made for each that has none yet.

    The file is written before any account is, so that a start that breaks off leaves no account
    whose password nobody knows. Raises ``Unavailable`` (``DEMO_ACCOUNTS_UNREADABLE``).
    """
    known = read_logins(path, slug)
    logins = {
        row.login: DemoLogin(
            row.login,
            known[row.login].password if row.login in known else generate_password(),
            row.name_zh,
            row.role,
            row.place,
            row.department,
        )
        for row in accounts
    }
    if logins != known:
        _write(path, {**_stored(path), slug: [asdict(login) for login in logins.values()]})
    return logins


def _stored(path: Path) -> dict[str, list[dict[str, str]]]:
    try:
        stored: dict[str, list[dict[str, str]]] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        cause = str(error)
        raise Unavailable("DEMO_ACCOUNTS_UNREADABLE", file=str(path), cause=cause) from error
    return stored


def _write(path: Path, content: dict[str, list[dict[str, str]]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=2)
    draft.replace(path)
