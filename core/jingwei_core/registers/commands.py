"""Writing the registers."""

import uuid
from typing import Annotated

import msgspec

from jingwei_core.registers.records import ORGANISATION
from jingwei_core.registers.tables import Organisation
from jingwei_core.text import search_text
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid

Name = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=200)]
PlaceId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]


class NewOrganisation(msgspec.Struct, frozen=True):
    """An organisation to enter in the register; ``credit_code`` is its 统一社会信用代码."""

    place_id: PlaceId
    name: Name
    kind: str = "enterprise"
    credit_code: str | None = None
    address: Annotated[str, msgspec.Meta(max_length=500)] = ""


class OrganisationChange(msgspec.Struct, frozen=True):
    """New values of an organisation; what is left out stays."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    credit_code: str | msgspec.UnsetType | None = msgspec.UNSET
    address: str | msgspec.UnsetType = msgspec.UNSET


@command(
    "organisation.register", permission="organisation.write", at="place_id", returns=ORGANISATION
)
async def register_organisation(ctx: Context, new: NewOrganisation) -> Organisation:
    """登记组织: enter an organisation in the register of its place."""
    row = Organisation(
        place_id=new.place_id,
        name=new.name.strip(),
        kind=new.kind,
        credit_code=checked_credit_code(new.credit_code),
        address=new.address,
        search_text=search_text(new.name, new.credit_code or ""),
    )
    stored = await ctx.data.insert(row)
    await ctx.signals.changed("Organisation", stored.id, stored.place_path)
    return stored


@command("organisation.change", permission="organisation.write", on=ORGANISATION)
async def change_organisation(
    ctx: Context, target: Organisation, change: OrganisationChange
) -> Organisation:
    """修改组织: change an organisation's entry."""
    changes: dict[str, object] = {
        name: value
        for name in ("name", "credit_code", "address")
        if (value := getattr(change, name)) is not msgspec.UNSET
    }
    if change.credit_code is not msgspec.UNSET:
        changes["credit_code"] = checked_credit_code(change.credit_code)
    name = changes["name"] = str(changes.get("name", target.name)).strip()
    code = str(changes.get("credit_code", target.credit_code) or "")
    stored = await ctx.data.update(target, **changes, search_text=search_text(name, code))
    await ctx.signals.changed("Organisation", stored.id, stored.place_path)
    return stored


def checked_credit_code(code: str | None) -> str | None:
    """The code in upper case; raises ``Invalid`` (``CREDIT_CODE_INVALID``, by GB 32100)."""
    if not code:
        return None
    from stdnum.cn import uscc
    from stdnum.exceptions import ValidationError as NumberError

    try:
        return str(uscc.validate(code))
    except NumberError as error:
        raise Invalid("CREDIT_CODE_INVALID", field="creditCode", value=code) from error


COMMANDS = (register_organisation, change_organisation)
