"""The compiler (编译): a selection as one SQL statement that answers its JSON."""

from jingwei_core.reading.compiled import Compiled
from jingwei_core.reading.selection import Group
from jingwei_core.registry import Registry
from jingwei_sdk.context import Permissions


def compile_read(
    registry: Registry,
    root: Group,
    permissions: Permissions,
    secret: bytes,
    narrow: frozenset[str] = frozenset(),
) -> Compiled:
    """The statement for ``root`` (its ``key`` is not used) and permissions of this shape.

    ``secret`` signs cursors. ``narrow`` names the records (out of ``Compiled.areas``) whose rows in
    sight are few enough to be read and sorted; the lists of others walk the index of their order.
    Raises ``Invalid`` for what a record does not offer (``SORT_UNKNOWN``, ``SEARCH_UNKNOWN``,
    ``UNDER_UNKNOWN``).
    """
    raise NotImplementedError
