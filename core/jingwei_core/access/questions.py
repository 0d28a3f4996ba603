"""The question who asks (我是谁): told from what the session knows, without a permission."""

import uuid
from typing import Annotated

import msgspec

from jingwei_sdk.narrowing import Asker
from jingwei_sdk.questions import Question
from jingwei_sdk.records import Many, One


class Me(msgspec.Struct, frozen=True):
    """The signed-in account (我)."""

    id: Annotated[
        uuid.UUID,
        msgspec.Meta(description="Global id of the account.", extra={"record": "Account"}),
    ]
    name: Annotated[str, msgspec.Meta(description="How the account is called.")]
    permissions: Annotated[
        tuple[str, ...], msgspec.Meta(description="What my posts allow; area.* is all below.")
    ]


def me(asker: Asker) -> Me | None:
    """The account that asks; nobody for the platform itself."""
    actor = asker.actor
    if actor.account_id is None:
        return None
    return Me(actor.account_id, actor.name, tuple(asker.permissions.grants()))


QUESTIONS = (
    Question(
        "me",
        Me,
        tell=me,
        signed_in=True,
        cost=0,
        relations={"account": One("id", "Account"), "posts": Many("Post", "account")},
        relation_texts={
            "account": "The account, if its record is in my sight.",
            "posts": "The posts I hold (我的岗位).",
        },
        description="The signed-in account (我).",
    ),
)
