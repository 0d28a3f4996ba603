"""Remembered access (访问缓存): what accounts may do, for as long as it is so.

An entry is filled from what is committed only, and carries the policy number that it was read with.
A read made with it checks that number where it reads; see ``jingwei_core.database.reading``.
"""

import uuid
from collections import OrderedDict
from datetime import datetime
from typing import TYPE_CHECKING

from jingwei_core.access.loading import LOAD, Access, CompiledSets, decoded_access
from jingwei_core.database.engine import Database
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import Unauthenticated

if TYPE_CHECKING:
    from jingwei_core.session import Identity

_MOST = 8192


class AccessCache:
    """The access of the accounts that called most recently."""

    def __init__(self, database: Database, sets: CompiledSets, size: int = _MOST) -> None:
        self._database = database
        self._sets = sets
        self._size = size
        self._entries: OrderedDict[tuple[uuid.UUID, uuid.UUID], Access] = OrderedDict()

    def known(self, tenant_id: uuid.UUID, account_id: uuid.UUID, now: datetime) -> Access | None:
        """What is remembered of the account, unless one of its posts began or ended since.

        It may be out of date: use it only with a statement that checks ``policy_version`` and the
        epoch of the token, and :meth:`load` it when that answers nothing.
        """
        key = (tenant_id, account_id)
        access = self._entries.get(key)
        if access is None:
            return None
        if not access.holds_at(now):
            del self._entries[key]
            return None
        self._entries.move_to_end(key)
        return access

    async def load(self, tenant: Tenant, identity: "Identity", now: datetime) -> Access:
        """The account's access as it is committed now, remembered from here on.

        Raises ``Unauthenticated`` (``SESSION_ENDED``) when the account is gone or suspended, or
        signed out everywhere since the token was issued.
        """
        self.drop(tenant.id, identity.account_id)
        answer = await self._database.ask(tenant.id, LOAD, (identity.account_id, now))
        access = decoded_access(answer, identity.account_id, now, self._sets)
        if access is None or not access.active or access.epoch != identity.epoch:
            raise Unauthenticated("SESSION_ENDED")
        self._entries[tenant.id, identity.account_id] = access
        if len(self._entries) > self._size:
            self._entries.popitem(last=False)
        return access

    def drop(self, tenant_id: uuid.UUID, account_id: uuid.UUID) -> None:
        """Forget the account."""
        self._entries.pop((tenant_id, account_id), None)
