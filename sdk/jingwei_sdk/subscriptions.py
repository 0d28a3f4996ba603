"""Subscriptions (订阅): changes of a record's rows, told to clients as they are committed.

::

    Subscription("safety_hazard_changes", HAZARD, description="Hazards in my area (隐患变更).")

Each change that a command tells by ``ctx.signals.changed`` reaches those who may read the row where
it lies, and nobody else; what they get of it is read for each of them. The field of GraphQL is
there only where the plugin is on.
"""

import re
from dataclasses import dataclass

from jingwei_sdk.errors import Refused
from jingwei_sdk.records import Record

_NAME = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")


@dataclass(frozen=True, slots=True, eq=False)
class Subscription:
    """A field of ``Subscription`` called ``name``, which begins with the plugin's prefix.

    With a ``record`` of the plugin it follows this record's rows, and who may read none is refused
    (``PERMISSION_DENIED``). Without one it follows whatever the client may read, of any package.
    Raises ``Refused`` (``SUBSCRIPTION_NAME``).
    """

    name: str
    record: Record | None = None
    description: str = ""

    def __post_init__(self) -> None:
        if not _NAME.match(self.name):
            raise Refused("SUBSCRIPTION_NAME", subscription=self.name)
