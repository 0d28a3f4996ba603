"""Calls of the public (公众请求): how often somebody without an account asked, and what they were
answered."""

from piccolo.columns import Integer, Text, Timestamptz

from jingwei_sdk.tables import TenantTable


class PublicCall(TenantTable, tablename="public_call", schema="core"):
    """公众请求计数: how often somebody without an account asked within a window that ends soon.

    ``bucket`` is a keyed digest: neither an address nor a code can be read from it. Of a form it
    stands for that one form, and ``answer`` can be opened with the form only.
    """

    UNIQUE = (("bucket",),)
    INDEXES = (("ends_at", "id"),)

    bucket = Text(default=None, null=False)
    calls = Integer(default=1, null=False)
    ends_at = Timestamptz(default=None, null=False)
    answer = Text(default=None, null=True, help_text="sealed; what a form was answered")
