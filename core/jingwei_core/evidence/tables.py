"""Evidence (证据): photos in the object store and the facts kept about them."""

from piccolo.columns import BigInt, Integer, Text, Timestamptz
from piccolo.columns.base import OnDelete

from jingwei_core.access.tables import Account
from jingwei_sdk.personal import Personal, Sensitivity
from jingwei_sdk.tables import TenantFK, TenantTable


def _whereabouts(purpose_zh: str, purpose_en: str) -> Personal:
    """What a photo tells of where its taker was: one point at an event, never a track."""
    return Personal(
        purpose_zh,
        purpose_en,
        "个人信息保护法 PIPL art. 13(1)(3), 28, 34",
        Sensitivity.SENSITIVE,
        "P3Y",
        counted_from="提交之日 the commit",
        unmasked_because="seen by the uploader and by whoever may see the event it belongs to",
    )


class Evidence(TenantTable, tablename="evidence", schema="core"):
    """证据: an upload that was asked for, and after the commit a locked original."""

    UNIQUE = (("store_key",),)
    INDEXES = (("status", "expires_at"),)
    PERSONAL = {
        "taken_at": _whereabouts("证明拍摄时间", "proving when the photo was taken"),
        "lon_e7": _whereabouts("证明拍摄地点", "proving where the photo was taken"),
        "lat_e7": _whereabouts("证明拍摄地点", "proving where the photo was taken"),
    }

    status = Text(default="pending", null=False, help_text="pending or committed")
    # Nobody's is what came with a report of somebody without an account.
    owner = TenantFK(Account, null=True, on_delete=OnDelete.restrict)
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
