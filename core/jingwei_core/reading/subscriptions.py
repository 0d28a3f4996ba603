"""What the core lets clients follow (订阅): everything in their area."""

from jingwei_sdk.subscriptions import Subscription

SUBSCRIPTIONS = (
    Subscription(
        "changes",
        description="Changes in my area, told at most once each; read again after a reconnect.",
    ),
)
