"""What work safety tells other plugins (事件消息)."""

import uuid

import msgspec

from jingwei_safety_production.tables import SafetyHazardLevel, SafetyHazardStatus
from jingwei_sdk.events import EventType


class HazardSettled(msgspec.Struct, frozen=True):
    """A hazard is no longer to be rectified: verified 销号, or withdrawn with its event."""

    hazard: uuid.UUID
    enterprise: uuid.UUID
    level: SafetyHazardLevel
    status: SafetyHazardStatus


HAZARD_SETTLED = EventType(
    "safety-production.hazard_settled.v1", HazardSettled, "隐患已销号或撤销 · a hazard is settled"
)
