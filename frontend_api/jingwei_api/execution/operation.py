"""An operation (操作): one GraphQL document being run for one caller."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from jingwei_api.execution.changes import ChangeFeed
from jingwei_core.evidence.commits import Commits
from jingwei_core.platform import Platform
from jingwei_core.session import Identity, Request
from jingwei_sdk.context import Tenant


class Caller(msgspec.Struct, frozen=True):
    """Who calls, where, and in which language the answer is read.

    ``ends_at`` is when the token that began a connection is over at the latest.
    """

    tenant: Tenant
    identity: Identity
    request: Request
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the operations of one process share."""

    platform: Platform
    feed: ChangeFeed
    commits: Commits


class Document(msgspec.Struct, frozen=True):
    """What a client sent."""

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None
