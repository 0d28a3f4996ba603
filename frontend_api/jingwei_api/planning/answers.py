"""Answers (答复): a response of GraphQL as the bytes that are sent."""

from collections.abc import Sequence
from typing import Any

import msgspec

Body = dict[str, Any]


class Answer(msgspec.Struct, frozen=True):
    """A GraphQL response; ``has_run`` is false when nothing was executed, and then ``errors`` says
    why."""

    content: bytes
    has_run: bool
    errors: Sequence[Body] = ()

    @property
    def body(self) -> Body:
        """The response as a mapping."""
        found: Body = msgspec.json.decode(self.content)
        return found


def answered(data: bytes, errors: Sequence[Body] = (), extensions: bytes = b"") -> Answer:
    """The response of an operation that ran; ``data`` is JSON, ``extensions`` a member of the
    response (``"extensions":{…}``) or nothing."""
    tail = b"," + extensions + b"}" if extensions else b"}"
    if not errors:
        return Answer(b'{"data":' + data + tail, has_run=True)
    told = b'{"errors":' + msgspec.json.encode(errors)
    return Answer(told + b',"data":' + data + tail, has_run=True, errors=errors)


def refused(errors: Sequence[Body], extensions: bytes = b"") -> Answer:
    """The response of an operation that did not run."""
    tail = b"," + extensions + b"}" if extensions else b"}"
    content = b'{"errors":' + msgspec.json.encode(errors) + tail
    return Answer(content, has_run=False, errors=errors)


def an_object(members: Sequence[tuple[str, bytes]]) -> bytes:
    """A JSON object of members that are JSON already."""
    told = (msgspec.json.encode(key) + b":" + value for key, value in members)
    return b"{" + b",".join(told) + b"}"
