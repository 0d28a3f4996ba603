"""Registers (人地物组织): organisations for now."""

from piccolo.columns import Text

from jingwei_sdk.tables import PlacedTable


class Organisation(PlacedTable, tablename="organisation", schema="core"):
    """组织: an enterprise, institution or association at a place."""

    INDEXES = (("place_path",), ("name",))

    name = Text(default=None, null=False)
    kind = Text(default="enterprise", null=False, help_text="enterprise, institution, association")
    credit_code = Text(default=None, null=True, index=True, help_text="统一社会信用代码 GB 32100")
    address = Text(default="", null=False)
    search_text = Text(default="", null=False)
