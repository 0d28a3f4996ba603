"""The comparison can fail: each rule of the system broken in turn is noticed within some cases."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis.errors import NoSuchExample

from jingwei_core.platform import Platform
from jingwei_core.reading import (
    aggregates,
    criteria,
    keyset,
    paging,
    relations,
    row_fields,
    scans,
    sight,
)
from jingwei_core.reading.json_text import made
from jingwei_sdk.records import TenantWide
from tests.oracle.equality import Equality
from tests.oracle.operations import operations
from tests.oracle.subject import Subject, executor_of
from tests.oracle.vocabulary import Vocabulary
from tests.oracle.world import Seen

CASES, SEEDS = 500, 5
"""Cases that are drawn before another seed is tried, and how many seeds are."""

Break = Callable[[pytest.MonkeyPatch, Platform], None]


@dataclass(frozen=True)
class Fault:
    """One broken rule, and the fields of some types where it could show, also of filters.

    ``to`` names the accounts to which it shows, where it does so to few: finding them by chance is
    most of the time of this file.
    """

    name: str
    focus: Mapping[str, tuple[str, ...]]
    make: Break
    to: tuple[str, ...] = ()


def of(*roots: str) -> Mapping[str, tuple[str, ...]]:
    """Some fields of the query."""
    return {"Query": roots}


PROOF_EVENT = {
    **of("proof"),
    "ProofQuery": ("events",),
    "ProofEvent": ("title", "lonE7", "person", "told", "id"),
}


PROOF_PERSON = {
    **of("proof"),
    "ProofQuery": ("events",),
    "ProofEventConnection": ("edges",),
    "ProofEventEdge": ("node",),
    "ProofEvent": ("person",),
    "ProofPerson": ("id",),
}


EVENT_KIND_RANK = {
    **of("eventKinds"),
    "EventKindConnection": ("edges", "totalCount"),
    "EventKindEdge": ("node",),
    "EventKind": ("rank", "id"),
    "EventKindFilter": ("rank",),
    "IntFilter": ("gte",),
}


PROOF_PHOTO = {
    **of("proof"),
    "ProofQuery": ("photos",),
    "ProofPhotoConnection": ("edges",),
    "ProofPhotoEdge": ("node",),
    "ProofPhoto": ("phase",),
}


PROOF_FIGURES = {
    **of("proof"),
    "ProofQuery": ("events",),
    "ProofEventConnection": ("aggregate",),
}


def declared(record: str, **changes: Any) -> Break:
    """A declaration that says something else."""

    def make(patch: pytest.MonkeyPatch, platform: Platform) -> None:
        original = platform.host.registry(frozenset({"safety-production", "proof"}))
        wrong = {**original.records, record: replace(original.record(record), **changes)}
        mistaken = replace(original, fingerprint="mistaken", records=wrong)
        patch.setattr(platform.host, "registry", lambda _: mistaken)

    return make


def replaced(module: Any, name: str, other: Any) -> Break:
    """A function of the reading room that does something else."""
    return lambda patch, platform: patch.setattr(module, name, other)


def changed(module: Any, name: str, old: str, new: str) -> Break:
    """A function of the reading room whose SQL says something else."""
    original = getattr(module, name)

    def other(*given: Any, **more: Any) -> Any:
        return original(*given, **more).replace(old, new)

    return replaced(module, name, other)


def backwards_nulls(sort: Any, alias: str) -> str:
    """An order that has null where the other has values."""
    ends = {"asc": "FIRST", "desc": "LAST"}
    return ", ".join(f'{alias}."{column}" {way} NULLS {ends[way]}' for column, way in sort)


def from_the_cursor(*given: Any) -> tuple[str, ...]:
    """The rows after a cursor with the one that it is of."""
    return tuple(stretch.replace(" (", "= (") for stretch in keyset.stretches_after(*given))


FAULTS = (
    Fault("tenant-wide by mistake", of("events"), declared("Event", scope=(TenantWide(),))),
    Fault(
        "a subtree that covers siblings",
        of("places", "organisations"),
        replaced(sight, "beyond", lambda prefix: prefix[:-1] + "\U0010ffff"),
    ),
    Fault(
        "everything is owned",
        of("events", "posts"),
        replaced(sight.Planned, "owned", lambda *_: "true"),
    ),
    Fault(
        "no department is mine",
        of("events"),
        replaced(sight.Planned, "departments", lambda *_: "false"),
    ),
    Fault("reading without permission", of("accounts", "roles"), declared("Account", read="x.y")),
    Fault(
        "no guards on columns",
        PROOF_EVENT,
        replaced(row_fields, "guarded", lambda plan, row, name, pieces: pieces),
    ),
    Fault(
        "guards that count anywhere for what is seen through another row",
        PROOF_PHOTO,
        replaced(row_fields.Plan, "held", lambda plan, row, permission, **_: "true"),
    ),
    Fault(
        "no guards on references",
        PROOF_PERSON,
        replaced(relations, "guarded", lambda plan, row, name, pieces: pieces),
    ),
    Fault(
        "no masks",
        of("accounts", "proof"),
        replaced(row_fields, "masked_sql", lambda mask, column: f"{column}::text"),
    ),
    Fault(
        "a mask that shows less", of("accounts"), changed(row_fields, "masked_sql", ", 4)", ", 3)")
    ),
    Fault(
        "computed without permission",
        PROOF_EVENT,
        replaced(row_fields, "_permitted", lambda plan, row, computed, pieces: pieces),
        to=("grid", "mixed", "half"),
    ),
    Fault("nulls at the other end", of("events"), replaced(paging, "order_by", backwards_nulls)),
    Fault(
        "a page that begins at its cursor",
        of("accounts", "organisations"),
        replaced(paging, "stretches_after", from_the_cursor),
    ),
    Fault(
        "greater or equal is greater",
        EVENT_KIND_RANK,
        lambda patch, platform: patch.setitem(criteria._OPERATORS, "gte", ">"),
        to=("chief",),
    ),
    Fault(
        "a search that finds everything",
        of("organisations", "accounts"),
        replaced(scans, "searched", lambda *_: []),
    ),
    Fault(
        "a place that covers everything",
        of("organisations", "events"),
        replaced(scans, "under", lambda *_: "true"),
    ),
    Fault(
        "figures of what is out of sight",
        PROOF_FIGURES,
        replaced(aggregates, "conditions_of", lambda listing, alias: ["true"]),
    ),
    Fault(
        "an id of another type",
        of("nodes", "events"),
        replaced(
            row_fields, "global_id", lambda name, row: made(f"""'"' || {row.column("id")} || '"'""")
        ),
    ),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_broken_rule_is_noticed(
    fault: Fault,
    cities: Mapping[str, Seen],
    words: Mapping[str, Vocabulary],
    oracle_platform: Platform,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fault.make(monkeypatch, oracle_platform)
    original = cities["a"]
    # Statements are kept: those of the broken rule must not stay with the executor of the others.
    subject = Subject(executor_of(oracle_platform), original.subject.tenant)
    equality = Equality(replace(original, subject=subject))

    def differs(asked: Any) -> bool:
        return bool(loop.run_until_complete(equality.check(asked)))

    known = words["a"]
    asked = operations(replace(known, logins=fault.to or known.logins), fault.focus)
    assert any(_finds(asked, differs, seed) for seed in range(SEEDS))


def _finds(asked: Any, differs: Callable[[Any], bool], seed: int) -> bool:
    try:
        find(
            asked,
            differs,
            settings=settings(
                max_examples=CASES,
                database=None,
                deadline=None,
                phases=(Phase.generate,),
                suppress_health_check=list(HealthCheck),
            ),
            random=Random(seed),
        )
    except NoSuchExample:
        return False
    return True
