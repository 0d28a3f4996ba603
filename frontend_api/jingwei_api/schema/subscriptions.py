"""Subscriptions (订阅): changes in my area, as they are committed."""

from datetime import datetime

import strawberry

from jingwei_api.schema.meanings import ChangePart, ChangesField
from jingwei_api.schema.types import Argument, Field, TypeSpace


def subscription_fields(space: TypeSpace) -> list[Field]:
    """The fields of ``Subscription``."""
    space.object(
        "Change",
        [
            Field("record", str, "Type name of what changed.", meaning=ChangePart("record")),
            Field("id", strawberry.ID, "Its global id.", meaning=ChangePart("id")),
            Field(
                "node",
                "Node | None",
                "As it is now; null when it is gone.",
                meaning=ChangePart("node"),
            ),
            Field("at", datetime, "When this server learnt of it.", meaning=ChangePart("at")),
        ],
        owner="core",
        description="Something in my area changed (变更通知).",
    )
    arguments = (
        Argument("under", strawberry.ID | None, "Only in this place's subtree."),
        Argument("records", list[str] | None, "Only these types; all that I may read if left out."),
    )
    text = "Changes in my area, told at most once each; read again after a reconnect."
    return [
        Field(
            "changes",
            "Change",
            text,
            arguments,
            is_subscription=True,
            meaning=ChangesField(),
        )
    ]
