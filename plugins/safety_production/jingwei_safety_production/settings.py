"""What a tenant decides for itself (租户设置).

None of the numbers is in the law (安全生产法 §41 asks for rectification "in time").
"""

from typing import Annotated

import msgspec

from jingwei_sdk.settings import SettingsOf

Days = Annotated[int, msgspec.Meta(ge=1, le=365)]


class SafetySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tenant's settings of work safety."""

    rectify_days_general: Annotated[
        Days,
        msgspec.Meta(description="一般隐患整改期限（天） · days to rectify a general hazard"),
    ] = 15
    rectify_days_major: Annotated[
        Days, msgspec.Meta(description="重大隐患整改期限（天） · days to rectify a major hazard")
    ] = 5
    department_major: Annotated[
        str,
        msgspec.Meta(
            max_length=60,
            description="重大隐患事件的承办部门代码，空则按事件类型分派 · code of the department"
            " that the event of a major hazard goes to; empty: as its kind is routed",
        ),
    ] = ""
    public_tips: Annotated[
        bool,
        msgspec.Meta(
            description="是否接受群众随手拍隐患，无需登录 · whether anybody may tell of a hazard"
            " without an account"
        ),
    ] = False
    tip_again_action: Annotated[
        str,
        msgspec.Meta(
            max_length=100,
            description="群众反映隐患仍未解决时执行的办理动作代码，空则不接受 · code of the action"
            " taken when somebody says that their hazard is still there; empty: nobody can",
        ),
    ] = ""


SETTINGS = SettingsOf(SafetySettings)
