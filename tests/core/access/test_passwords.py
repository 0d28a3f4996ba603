"""Passwords: argon2id, renewal of old hashes, rules for new ones."""

import pytest
from argon2 import PasswordHasher, extract_parameters

from jingwei_core.access.passwords import (
    check_new_password,
    generate_password,
    hash_password,
    is_outdated,
    verify_password,
)
from jingwei_sdk.errors import Invalid


async def test_a_hash_fits_its_password_only():
    stored = await hash_password("correct horse battery")
    assert await verify_password(stored, "correct horse battery")
    assert not await verify_password(stored, "correct horse batterz")
    assert not await verify_password(stored, "")
    assert stored != await hash_password("correct horse battery")


async def test_parameters_are_those_stated():
    stored = await hash_password("correct horse battery")
    parameters = extract_parameters(stored)
    assert stored.startswith("$argon2id$")
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19456, 2, 1)
    assert not is_outdated(stored)
    assert is_outdated(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("x"))


async def test_the_same_characters_are_the_same_password():
    stored = await hash_password("Cafe\u0301 in Yichang")
    assert await verify_password(stored, "Caf\u00e9 in Yichang")


@pytest.mark.parametrize("stored", [None, "", "plain text", "$argon2id$broken"])
async def test_without_a_usable_hash_nothing_fits(stored: str | None):
    assert not await verify_password(stored, "correct horse battery")
    assert not await verify_password(stored, "")


@pytest.mark.parametrize(
    "password",
    ["", "short", "123456789", "aaaaaaaaaaaaaaaa", "x" * 129, "my-grid-01-pass", "MY-GRID-01-PASS"],
)
def test_weak_passwords_are_refused(password: str):
    with pytest.raises(Invalid) as caught:
        check_new_password(password, "grid-01")
    assert (caught.value.code, caught.value.field) == ("PASSWORD_WEAK", "password")


@pytest.mark.parametrize("password", ["correct horse", "网格员每天巡查两次社区", "a1b2c3d4e5"])
def test_good_passwords_pass(password: str):
    check_new_password(password, "grid-01")


def test_generated_passwords_pass_and_differ():
    made = {generate_password() for _ in range(200)}
    assert len(made) == 200
    for password in made:
        assert len(password) == 16
        check_new_password(password, "grid-01")
