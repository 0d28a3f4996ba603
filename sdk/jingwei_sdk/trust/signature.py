"""Signatures (签名): Ed25519 over a statement, in a file of its own beside the wheel.

``road_lamp-1.2.0.jingwei-sig`` holds the signed bytes and the signature in base64, so that it can
be checked without the wheel, against what is installed.
"""

import base64
import binascii
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jingwei_sdk.errors import Invalid, Refused
from jingwei_sdk.trust.statement import Statement

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SUFFIX = ".jingwei-sig"


def new_key(path: Path) -> str:
    """Write a new private key (PEM, readable by its owner only) and answer the public one.

    Raises ``Invalid`` (``TRUST_KEY``) when there is a file already.
    """
    serialization, ed25519 = _libraries()
    try:
        path.touch(mode=0o600, exist_ok=False)
    except FileExistsError as error:
        raise Invalid("TRUST_KEY", file=path.name, cause="exists") from error
    key = ed25519.Ed25519PrivateKey.generate()
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return public_text(key)


def public_text(key: "Ed25519PrivateKey") -> str:
    """The public half of a key as policies hold it: base64 of its 32 bytes."""
    return base64.b64encode(key.public_key().public_bytes_raw()).decode()


def sign(statement: Statement, key_file: Path, folder: Path) -> Path:
    """Write the signature file of a statement into ``folder`` and answer its path.

    Raises ``Invalid`` (``TRUST_KEY``) for a file that holds no Ed25519 key.
    """
    serialization, ed25519 = _libraries()
    try:
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise Invalid("TRUST_KEY", file=key_file.name, cause=str(error)) from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise Invalid("TRUST_KEY", file=key_file.name, cause="not Ed25519")
    payload = statement.payload()
    document = {
        "statement": base64.b64encode(payload).decode(),
        "signature": base64.b64encode(key.sign(payload)).decode(),
    }
    path = folder / signature_name(statement.name, statement.version)
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path


def signature_name(name: str, version: str) -> str:
    """What the signature file of a release is called."""
    return f"{name.lower().replace('-', '_').replace('.', '_')}-{version}{SUFFIX}"


def signed_statement(path: Path, public_keys: list[str]) -> tuple[Statement, str]:
    """The statement in a signature file and the one of ``public_keys`` (base64) that signed it.

    Raises ``Invalid`` (``TRUST_SIGNATURE_FILE``) for a file that is none, ``Refused``
    (``TRUST_SIGNER_UNKNOWN``) when none of the keys signed it.
    """
    _, ed25519 = _libraries()
    from cryptography.exceptions import InvalidSignature

    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        payload = base64.b64decode(document["statement"], validate=True)
        signature = base64.b64decode(document["signature"], validate=True)
    except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
        raise Invalid("TRUST_SIGNATURE_FILE", file=path.name, cause=str(error)) from error
    for text in public_keys:
        try:
            key = ed25519.Ed25519PublicKey.from_public_bytes(base64.b64decode(text))
            key.verify(signature, payload)
        except (InvalidSignature, ValueError):
            continue
        return Statement.read(payload), text
    raise Refused("TRUST_SIGNER_UNKNOWN", file=path.name)


def _libraries() -> Any:
    """The parts of ``cryptography``; raises ``Refused`` (``TRUST_NEEDS_LIBRARY``)."""
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ImportError as error:
        raise Refused("TRUST_NEEDS_LIBRARY", cause=str(error)) from error
    return serialization, ed25519
