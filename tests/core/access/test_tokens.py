"""Access tokens: good for one tenant, one account, ten minutes."""

import base64
import json
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import jwt
import pytest

from jingwei_core.access.tokens import AccessTokens, new_refresh_token, refresh_digest
from jingwei_core.session import Identity
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Unauthenticated, Unavailable

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
TENANT = uuid.UUID(int=1)
OTHER = uuid.UUID(int=2)
WHO = Identity(uuid.UUID(int=7), 3)


@pytest.fixture
def tokens() -> AccessTokens:
    return AccessTokens(b"k" * 32, timedelta(minutes=10))


def code_of(
    tokens: AccessTokens, token: str, tenant: uuid.UUID = TENANT, at: datetime = NOW
) -> str:
    with pytest.raises(Unauthenticated) as caught:
        tokens.verify(tenant, token, at)
    return caught.value.code


def forged(tokens: AccessTokens, header: dict[str, object], **claims: object) -> str:
    """A token as the platform signs it, with other claims or headers."""
    key = tokens._key(TENANT)
    good = jwt.decode(tokens.issue(TENANT, WHO, NOW), options={"verify_signature": False})
    changed = {name: value for name, value in {**good, **claims}.items() if value is not None}
    return jwt.encode(changed, key.secret, "HS256", headers={"kid": key.id, **header})


def test_a_token_names_its_account_until_it_ends(tokens: AccessTokens):
    token = tokens.issue(TENANT, WHO, NOW)
    assert tokens.verify(TENANT, token, NOW) == WHO
    assert tokens.verify(TENANT, token, NOW + timedelta(minutes=10, seconds=-1)) == WHO
    assert code_of(tokens, token, at=NOW + timedelta(minutes=10)) == "TOKEN_EXPIRED"


def test_claims(tokens: AccessTokens):
    token = tokens.issue(TENANT, WHO, NOW)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims.pop("jti")
    assert claims == {
        "iss": "jingwei",
        "aud": str(TENANT),
        "sub": str(WHO.account_id),
        "epoch": 3,
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 600,
    }


def test_a_token_of_another_tenant_is_worthless(tokens: AccessTokens):
    assert code_of(tokens, tokens.issue(OTHER, WHO, NOW)) == "TOKEN_INVALID"


def test_the_audience_counts_even_with_the_right_key(tokens: AccessTokens):
    assert code_of(tokens, forged(tokens, {}, aud=str(OTHER))) == "TOKEN_INVALID"
    assert code_of(tokens, forged(tokens, {}, aud=[str(TENANT)])) == "TOKEN_INVALID"


def test_the_key_counts_even_with_the_right_audience(tokens: AccessTokens):
    other = AccessTokens(b"x" * 32, timedelta(minutes=10))
    assert code_of(tokens, other.issue(TENANT, WHO, NOW)) == "TOKEN_INVALID"
    key = tokens._key(OTHER)
    claims = jwt.decode(tokens.issue(TENANT, WHO, NOW), options={"verify_signature": False})
    token = jwt.encode(claims, key.secret, "HS256", headers={"kid": tokens._key(TENANT).id})
    assert code_of(tokens, token) == "TOKEN_INVALID"


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "epoch", "iat", "exp", "jti"])
def test_every_claim_is_needed(tokens: AccessTokens, claim: str):
    assert tokens.verify(TENANT, forged(tokens, {}), NOW) == WHO
    assert code_of(tokens, forged(tokens, {}, **{claim: None})) == "TOKEN_INVALID"


@pytest.mark.parametrize(
    "claims",
    [{"sub": "admin"}, {"epoch": "3"}, {"epoch": True}, {"iss": "jingwei2"}, {"exp": "soon"}],
)
def test_wrong_claims(tokens: AccessTokens, claims: dict[str, object]):
    assert code_of(tokens, forged(tokens, {}, **claims)) == "TOKEN_INVALID"


def test_algorithm_none_is_refused(tokens: AccessTokens):
    token = tokens.issue(TENANT, WHO, NOW)
    header = jwt.get_unverified_header(token) | {"alg": "none"}
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    assert code_of(tokens, f"{encoded}.{token.split('.')[1]}.") == "TOKEN_INVALID"


def test_other_algorithm_is_refused(tokens: AccessTokens):
    key = tokens._key(TENANT)
    claims = jwt.decode(tokens.issue(TENANT, WHO, NOW), options={"verify_signature": False})
    token = jwt.encode(claims, key.secret + b"0" * 32, "HS512", headers={"kid": key.id})
    assert code_of(tokens, token) == "TOKEN_INVALID"


def test_a_foreign_key_id_is_refused(tokens: AccessTokens):
    assert code_of(tokens, forged(tokens, {"kid": "0" * 16})) == "TOKEN_INVALID"


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "é.é.é", "." * 10, "x" * 10_000])
def test_rubbish_is_refused(tokens: AccessTokens, token: str):
    assert code_of(tokens, token) == "TOKEN_INVALID"


def test_every_changed_byte_is_noticed(tokens: AccessTokens):
    token = tokens.issue(TENANT, WHO, NOW)
    # The last character of a segment may hold unused bits, so it is left out.
    for position in range(0, len(token) - 1, 7):
        if token[position] != ".":
            other = "A" if token[position] != "A" else "B"
            assert code_of(tokens, token[:position] + other + token[position + 1 :])


def test_refresh_tokens_are_long_and_stored_as_digest():
    first, second = new_refresh_token(), new_refresh_token()
    assert first != second
    assert len(base64.urlsafe_b64decode(first + "=")) == 32
    assert len(refresh_digest(first)) == 64
    assert first not in refresh_digest(first)


def test_the_secret_of_the_environment_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JINGWEI_SECRET_KEY", "s" * 32)
    settings = Settings(data_dir=tmp_path)
    assert settings.secret() == b"s" * 32
    assert list(tmp_path.iterdir()) == []
    assert "ssss" not in repr(settings)


def test_a_short_secret_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JINGWEI_SECRET_KEY", "s" * 31)
    with pytest.raises(Unavailable) as caught:
        Settings(data_dir=tmp_path).secret()
    assert caught.value.code == "SECRET_UNREADABLE"
    assert list(tmp_path.iterdir()) == []


def test_the_secret_file_is_made_once_and_for_its_owner_only(tmp_path: Path):
    first = Settings(data_dir=tmp_path).secret()
    assert len(first) >= 32
    assert Settings(data_dir=tmp_path).secret() == first
    [file] = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_token_verified_before_is_good_there_and_then_only(
    tokens: AccessTokens, monkeypatch: pytest.MonkeyPatch
):
    token = tokens.issue(TENANT, WHO, NOW)
    assert tokens.verify(TENANT, token, NOW) == WHO
    monkeypatch.setattr(jwt, "decode", lambda *_, **__: pytest.fail("verified twice"))
    assert tokens.verify(TENANT, token, NOW) == WHO
    assert code_of(tokens, token, at=NOW + timedelta(minutes=10)) == "TOKEN_EXPIRED"
    monkeypatch.undo()
    assert code_of(tokens, token, tenant=OTHER) == "TOKEN_INVALID"
    assert code_of(tokens, token + "x") == "TOKEN_INVALID"
    assert code_of(tokens, token[:-1]) == "TOKEN_INVALID"


def test_what_is_remembered_of_tokens_is_bounded_and_no_token(
    tokens: AccessTokens, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("jingwei_core.access.tokens._KNOWN_TOKENS", 3)
    issued = [tokens.issue(TENANT, WHO, NOW) for _ in range(5)]
    for token in issued:
        tokens.verify(TENANT, token, NOW)
    for bad in range(5):
        code_of(tokens, f"x{bad}")
    assert len(tokens._verified) == 3
    assert not any(token in repr(tokens._verified) for token in issued)
