"""The field ``me`` (我): who asks, with what may be asked about oneself without any permission."""

from collections.abc import Mapping

import strawberry

from jingwei_api.schema.meanings import MeField, MePart
from jingwei_api.schema.references import Declarations
from jingwei_api.schema.types import Argument, Field, TypeSpace


def me_fields(
    space: TypeSpace, registry: Declarations, arguments: Mapping[str, tuple[Argument, ...]]
) -> list[Field]:
    """The field of ``Query``, if the records that it leads to are declared."""
    if not {"Account", "Post"} <= set(registry.records):
        return []
    _add_me(space, arguments["Post"])
    return [Field("me", "Me | None", "The signed-in account (我).", meaning=MeField())]


def _add_me(space: TypeSpace, posts: tuple[Argument, ...]) -> None:
    fields = [
        Field("id", strawberry.ID, "Global id of the account.", meaning=MePart("id")),
        Field("name", str, "How the account is called.", meaning=MePart("name")),
        Field(
            "account",
            "Account | None",
            "The account, if its record is in my sight.",
            meaning=MePart("account"),
        ),
        Field(
            "posts",
            "PostConnection | None",
            "The posts I hold (我的岗位).",
            posts,
            meaning=MePart("posts"),
        ),
        Field(
            "permissions",
            list[str],
            "What my posts allow; area.* is all below.",
            meaning=MePart("permissions"),
        ),
    ]
    space.object("Me", fields, owner="core", description="The signed-in account (我).")
