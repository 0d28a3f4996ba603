"""Passwords (口令): argon2id, and rules for new ones.

Parameters: argon2id, 19 MiB, 2 passes, 1 lane, the minimum that the OWASP Password Storage Cheat
Sheet names; a stored hash with other parameters is replaced at the next sign-in.
"""

import asyncio
import secrets
import unicodedata
from functools import cache

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from jingwei_sdk.errors import Invalid

MINIMUM_LENGTH = 10
MAXIMUM_LENGTH = 128
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)
# Without 0/O, 1/l/I: a first password is read from paper and typed on a phone.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"


async def hash_password(password: str) -> str:
    """The argon2id hash of a password, computed off the event loop."""
    return await asyncio.to_thread(_HASHER.hash, _normalised(password))


async def verify_password(stored: str | None, password: str) -> bool:
    """Whether the password belongs to the stored hash.

    Without a stored hash (unknown login, account without password) the same work is done against a
    hash that no password fits, so that the time taken does not tell which logins exist.
    """
    return await asyncio.to_thread(_verify, stored, password)


def is_outdated(stored: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(stored)


def check_new_password(password: str, login: str) -> None:
    """Raise ``Invalid`` (``PASSWORD_WEAK``) unless a new password is good enough.

    Length over character classes, as NIST SP 800-63B 3.1.1.2 advises; it may not hold the login.
    """
    text = _normalised(password)
    good = (
        MINIMUM_LENGTH <= len(text) <= MAXIMUM_LENGTH
        and len(set(text)) >= MINIMUM_LENGTH // 2
        and (not login or login.casefold() not in text.casefold())
    )
    if not good:
        raise Invalid(
            "PASSWORD_WEAK", field="password", minimum=MINIMUM_LENGTH, maximum=MAXIMUM_LENGTH
        )


def generate_password(length: int = 16) -> str:
    """A random password (about 92 bits for 16 characters) of characters that do not look alike."""
    while True:
        password = "".join(secrets.choice(_ALPHABET) for _ in range(length))
        if len(set(password)) >= MINIMUM_LENGTH // 2:
            return password


def _verify(stored: str | None, password: str) -> bool:
    text = _normalised(password)[: MAXIMUM_LENGTH + 1]
    try:
        _HASHER.verify(stored or _unfitting_hash(), text)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@cache
def _unfitting_hash() -> str:
    return _HASHER.hash(secrets.token_urlsafe(32))


def _normalised(password: str) -> str:
    # The same characters typed on two keyboards are the same password; the command bus does this to
    # every input text as well.
    return unicodedata.normalize("NFC", password)
