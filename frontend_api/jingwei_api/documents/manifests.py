"""Reading documents that a frontend's build wrote down: manifests, or plain ``.graphql`` files.

Nothing is believed: the id of each document is worked out from its text, and one that says
otherwise stops the start.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from graphql import GraphQLError, parse

from jingwei_sdk.errors import Refused

APOLLO = "apollo-persisted-query-manifest"
MAX_FILE_BYTES = 64 * 1024 * 1024
_SUFFIXES = (".graphql", ".gql", ".json")


@dataclass(frozen=True, slots=True)
class Trusted:
    """A document with its id, the SHA-256 of its text in hexadecimal, and where it stands."""

    id: str
    text: str
    source: str


def digest(text: str) -> str:
    """The id of a document."""
    return hashlib.sha256(text.encode()).hexdigest()


def read_documents(path: Path) -> Iterator[Trusted]:
    """The documents of a manifest, a ``.graphql`` file, or a folder of such files.

    Raises ``Refused``: ``TRUSTED_UNREADABLE``, ``TRUSTED_ID`` (an id that is not the SHA-256 of
    its text), ``TRUSTED_SYNTAX``.
    """
    for file in _files(path):
        text = _content(file)
        found = _manifest(file, text) if file.suffix == ".json" else [Trusted("", text, file.name)]
        for one in found:
            yield _checked(one)


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    # A folder is walked without following links: what lies outside is not part of it.
    found = [
        Path(folder) / name
        for folder, _, names in os.walk(path)
        for name in names
        if Path(name).suffix in _SUFFIXES
    ]
    return sorted(found)


def _content(file: Path) -> str:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise Refused("TRUSTED_UNREADABLE", path=str(file), cause=f"> {MAX_FILE_BYTES} bytes")
        return file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Refused("TRUSTED_UNREADABLE", path=str(file), cause=str(error)) from error


def _manifest(file: Path, text: str) -> list[Trusted]:
    """Apollo's form, or Relay's: an object of texts by id."""
    try:
        told: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Refused("TRUSTED_UNREADABLE", path=str(file), cause=str(error)) from error
    pairs: list[tuple[Any, Any] | None]
    if isinstance(told, Mapping) and told.get("format") == APOLLO:
        entries = told.get("operations")
        pairs = [_apollo(entry) for entry in entries] if isinstance(entries, list) else [None]
    elif isinstance(told, Mapping):
        pairs = [*told.items()]
    else:
        pairs = [None]
    found = []
    for pair in pairs:
        if pair is None or not all(isinstance(part, str) and part for part in pair):
            raise Refused("TRUSTED_UNREADABLE", path=str(file), cause="no manifest of documents")
        found.append(Trusted(pair[0], pair[1], f"{file.name}:{pair[0][:16]}"))
    return found


def _apollo(entry: Any) -> tuple[Any, Any] | None:
    return (entry.get("id"), entry.get("body")) if isinstance(entry, Mapping) else None


def _checked(one: Trusted) -> Trusted:
    made = digest(one.text)
    stated = one.id.lower().removeprefix("sha256:")
    if stated not in ("", made):
        raise Refused("TRUSTED_ID", source=one.source, stated=one.id, made=made)
    try:
        parse(one.text)
    except (GraphQLError, RecursionError) as error:
        raise Refused("TRUSTED_SYNTAX", source=one.source, cause=str(error)) from error
    return Trusted(made, one.text, one.source)
