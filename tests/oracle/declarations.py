"""A plugin of these tests: declarations that no shipped package happens to make.

Guards on columns, on references and on masked columns; every mask; sight through two records;
orders by texts, numbers and flags that may be null; a computed field behind a permission.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from piccolo.columns import Text

from jingwei_core.events.tables import Event, StepEvidence
from jingwei_core.plugins.host import Installed
from jingwei_core.registers.tables import Organisation
from jingwei_sdk.context import Context
from jingwei_sdk.personal import Mask, Personal, Sensitivity
from jingwei_sdk.plugin import Manifest, Plugin
from jingwei_sdk.records import (
    AtPlace,
    Computed,
    Either,
    Extension,
    Many,
    One,
    Opposite,
    OwnedBy,
    Record,
    Through,
)
from jingwei_sdk.tables import TenantTable


def _masked(mask: Mask) -> Personal:
    return Personal("测试", "test", "test", Sensitivity.GENERAL, "P1Y", mask=mask)


class ProofPerson(TenantTable, tablename="account", schema="core"):
    """人员: the accounts again, with every column masked in another way."""

    PERSONAL = {
        "login": _masked(Mask.ID_NUMBER),
        "name": _masked(Mask.NAME),
        "phone": _masked(Mask.TEXT),
    }

    login = Text(default=None, null=False)
    name = Text(default=None, null=False)
    phone = Text(default=None, null=True)
    status = Text(default="active", null=False)


async def _told(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"{ctx.locale}:{row['title']}" for row in rows]


PERSON = Record(
    ProofPerson,
    read="proof.person.read",
    scope=(OwnedBy("id"),),
    plural="proofPeople",
    filters=("status", "id"),
    sort=("status", "created_at"),
    guarded={"phone": "proof.phone.read"},
    relations={"events": Many("ProofEvent", "reporter")},
)
EVENT = Record(
    Event,
    read="proof.event.read",
    scope=(AtPlace(), Through("reporter", "ProofPerson")),
    name="ProofEvent",
    plural="proofEvents",
    filters=(
        *("id", "title", "state", "lon_e7", "position_accuracy_m", "is_final", "closed_at"),
        *("reporter", "subject_id", "created_at"),
    ),
    sort=(
        *("title", "lon_e7", "is_final", "position_accuracy_m", "closed_at", "subject_id"),
        *("state", "created_at"),
    ),
    search="description",
    dimensions=("state", "is_final", "title", "reporter", "created_at", "closed_at", "place_id"),
    measures=("position_accuracy_m", "lon_e7", "closed_at", "version"),
    hidden=frozenset({"form"}),
    guarded={
        "title": "proof.title.read",
        "lon_e7": "proof.position.read",
        "reporter": "proof.reporter.read",
    },
    relations={
        "person": One("reporter", "ProofPerson"),
        "about": Either("subject_type", "subject_id", ("Organisation", "Event")),
        "photos": Many("ProofPhoto", "event"),
    },
    computed={
        "told": Computed(str, ("title",), _told, permission="proof.told.read"),
    },
)
PHOTO = Record(
    StepEvidence,
    read="proof.photo.read",
    scope=(Through("step", "EventStep"),),
    name="ProofPhoto",
    plural="proofPhotos",
    filters=("phase",),
    sort=("phase", "created_at"),
    guarded={"phase": "proof.phase.read"},
    computed={
        "told": Computed(str, ("phase",), lambda ctx, rows: _phases(rows), permission="proof.told")
    },
)
OFFICE = Record(
    Organisation,
    read="proof.office.read",
    scope=(AtPlace(),),
    name="ProofOffice",
    plural="proofOffices",
    filters=("name", "credit_code"),
    sort=("name", "credit_code", "kind"),
    search="name",
    guarded={"name": "proof.name.read"},
)


async def _phases(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [f"phase {row['phase']}" for row in rows]


PROOF = Plugin(
    id="proof",
    package="proof",
    records=(PERSON, EVENT, PHOTO, OFFICE),
    extensions=(
        Extension(
            "Place",
            relations={
                "proof_events": Many("ProofEvent", "place_id"),
                "proof_offices": Many("ProofOffice", "place_id"),
            },
        ),
        Extension("Account", relations={"proof_person": Opposite("ProofPerson", "id")}),
    ),
)


def installed() -> Installed:
    """The plugin as the host would have found it."""
    manifest = Manifest(
        id="proof",
        version="0.1.0",
        sdk=">=0.1",
        name_zh="证明",
        name_en="Proof",
        description_zh="测试用",
        description_en="For tests",
        licence="Apache-2.0",
    )
    return Installed("proof", "available", manifest, PROOF, Path(__file__).parent)
