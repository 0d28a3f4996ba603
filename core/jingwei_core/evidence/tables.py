"""Evidence (证据): photos in the object store and the facts kept about them."""

from piccolo.columns import BigInt, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete

from jingwei_core.access.tables import Account
from jingwei_sdk.tables import TenantFK, TenantTable


class Evidence(TenantTable, tablename="evidence", schema="core"):
    """证据: an upload that was asked for, and after the commit a locked original."""

    UNIQUE = (("store_key",),)
    INDEXES = (("status", "expires_at"),)

    status = Text(default="pending", null=False, help_text="pending or committed")
    owner = TenantFK(Account, null=False, on_delete=OnDelete.restrict)
    store_key = Text(default=None, null=False)
    content_type = Text(default=None, null=False)
    size_bytes = BigInt(default=None, null=False)
    sha256 = Text(default=None, null=False, help_text="lower-case hex of the original")
    expires_at = Timestamptz(default=None, null=False, help_text="a pending upload ends here")
    committed_at = Timestamptz(default=None, null=True)
    locked_until = Timestamptz(default=None, null=True)
    width = Integer(default=None, null=True)
    height = Integer(default=None, null=True)
    derivative_key = Text(default=None, null=True)
    thumbnail_key = Text(default=None, null=True)
    taken_at = Timestamptz(default=None, null=True, help_text="from EXIF")
    lon_e7 = BigInt(default=None, null=True, help_text="from EXIF or the client, 1e-7 degree")
    lat_e7 = BigInt(default=None, null=True)
    position_crs = Text(default=None, null=True, help_text="EPSG:4326 from EXIF, else the client's")
    accuracy_m = Integer(default=None, null=True)
