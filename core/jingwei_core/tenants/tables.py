"""What a tenant says of itself beside its places and rules."""

from piccolo.columns import Boolean, Text

from jingwei_sdk.tables import TenantTable


class PracticeSwitch(TenantTable, tablename="practice_switch", schema="core"):
    """须依据规定开启的做法: ranking, check-in, forced photos; off unless a rule is named.

    国办函〔2026〕12号 keeps them off; auditors see which are on and on what rule they rely.
    """

    UNIQUE = (("code",),)
    IS_SMALL = True

    code = Text(default=None, null=False)
    name = Text(default="", null=False)
    name_en = Text(default="", null=False)
    is_enabled = Boolean(default=False, null=False)
    rule = Text(default="", null=False, help_text="the rule relied on; empty while off")
    restricted_by = Text(default="", null=False)
