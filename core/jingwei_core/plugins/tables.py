"""Tables of the plugin room (插件表)."""

from piccolo.columns import UUID, Text

from jingwei_sdk.tables import TenantTable


class Consumed(TenantTable, tablename="consumed", schema="core"):
    """An event that a consumer has dealt with: a second delivery finds it and does nothing.

    ``consumer`` is ``<plugin>:<name of the consumer>``; ``created_at`` says when.
    """

    UNIQUE = (("consumer", "event_id"),)

    consumer = Text()
    event_id = UUID(default=None, null=False)
