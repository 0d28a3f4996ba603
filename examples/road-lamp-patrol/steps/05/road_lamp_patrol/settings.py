"""What each city decides for itself."""

from typing import Annotated

import msgspec
from jingwei_sdk.settings import SettingsOf

Days = Annotated[
    int,
    msgspec.Meta(ge=1, le=366, description="两次巡查最多相隔天数 · most days between two patrols"),
]


class RoadLampSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a tenant."""

    days_between_patrols: Days = 30


SETTINGS = SettingsOf(RoadLampSettings)
