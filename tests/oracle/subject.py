"""The system under test: whatever stands behind ``Executor.run``, in this process."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jingwei_api.app import create_app
from jingwei_api.execution.executor import Executor
from jingwei_api.execution.operation import Caller, Document
from jingwei_api.settings import ApiSettings
from jingwei_core.platform import Platform
from jingwei_core.session import Identity, Request
from jingwei_sdk.context import Tenant

WIDE = ApiSettings(
    max_depth=60,
    max_aliases=5000,
    max_tokens=200_000,
    max_rows=10**9,
    max_cost=10**9,
    cost_per_minute=10**12,
    max_root_fields=500,
)
"""Limits so wide that no operation of these tests meets one."""


@dataclass(frozen=True)
class Subject:
    """One tenant, as its signed-in accounts reach it."""

    executor: Executor
    tenant: Tenant

    async def ask(
        self,
        account: uuid.UUID,
        document: str,
        variables: Mapping[str, Any] | None = None,
        *,
        operation: str | None = None,
        locale: str = "zh",
    ) -> dict[str, Any]:
        """The response to a document, as a client reads it."""
        caller = Caller(self.tenant, Identity(account, 0), Request(locale, "oracle"))
        answer = await self.executor.run(caller, Document(document, variables, operation))
        read: dict[str, Any] = json.loads(answer.content)
        return read


def executor_of(platform: Platform) -> Executor:
    """The executor of an application over a platform."""
    executor: Executor = create_app(platform, WIDE).state["jingwei"].executor
    return executor
