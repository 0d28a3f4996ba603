"""The samples of docs/graphql.md: all fit the committed schema, and those that can run do."""

import hashlib
import io
import uuid
from pathlib import Path

import pytest
from graphql import build_schema, parse, validate
from PIL import Image

from jingwei_api.schema import global_id
from tests.api.client import Client
from tests.api.test_schema import SCHEMA_FILE
from tests.api.world import GRID, World

pytestmark = pytest.mark.usefixtures("organisations_as_before")
DOCS = SCHEMA_FILE.parents[1] / "docs"
SAMPLES = sorted((DOCS / "samples").glob("*.graphql"))


def _sample(name: str) -> str:
    return (DOCS / "samples" / f"{name}.graphql").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_fits_the_schema_and_is_in_the_docs(path: Path) -> None:
    schema = build_schema(SCHEMA_FILE.read_text(encoding="utf-8"))
    assert validate(schema, parse(path.read_text(encoding="utf-8"))) == []
    assert f"samples/{path.name}" in (DOCS / "graphql.md").read_text(encoding="utf-8")


async def test_the_samples_of_reading_run(chief: Client) -> None:
    me = (await chief.data(_sample("me")))["me"]
    assert me["permissions"] == ["*"]
    assert me["posts"]["edges"][0]["node"]["role"] == {"name": "chief"}
    found = await chief.data(_sample("places"), search="yichang/1/")
    assert [edge["node"]["ancestors"] for edge in found["places"]["edges"]] == [
        [],
        ["yichang/1/"],
        ["yichang/1/"],
    ]
    assert found["places"]["edges"][0]["node"]["children"]["totalCount"] == 2
    for name in ("events", "my-queue"):
        told = await chief.data(_sample(name))
        assert next(iter(told.values()))["edges"] == []
    told = await chief.data(_sample("dashboard"), since="2026-11-01T00:00:00+08:00")
    assert told["events"]["aggregate"] == {"count": 0, "isCut": False, "groups": []}


async def test_the_sample_of_registering_runs(chief: Client, world: World) -> None:
    place = global_id.encode("Place", world.yichang.places[GRID])
    told = await chief.data(
        _sample("register-organisation"),
        input={"placeId": place, "name": "样例厂", "creditCode": None},
        key=uuid.uuid4().hex,
    )
    assert told["organisationRegister"]["organisation"]["place"] == {"name": f"yichang{GRID}"}


async def test_a_photo_goes_its_three_steps(chief: Client, worker: Client) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 30)).save(picture, "JPEG")
    content = picture.getvalue()
    told = await chief.data(
        _sample("request-upload"),
        input={
            "contentType": "image/jpeg",
            "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        key=uuid.uuid4().hex,
    )
    ticket = told["evidenceRequest"]["result"]
    early = await chief.error(_sample("commit-upload"), id=ticket["id"])
    assert early["extensions"]["code"] == "EVIDENCE_NOT_FOUND"
    foreign = await worker.error(_sample("commit-upload"), id=ticket["id"])
    assert foreign["extensions"]["code"] in ("PERMISSION_DENIED", "ROW_NOT_FOUND")

    sent = await chief.http.post(
        ticket["url"],
        data={field["name"]: field["value"] for field in ticket["fields"]},
        files={"file": ("a.jpg", content, "image/jpeg")},
    )
    assert sent.status_code == 204, sent.text
    made = (await chief.data(_sample("commit-upload"), id=ticket["id"]))["evidenceCommit"]
    again = (await chief.data(_sample("commit-upload"), id=ticket["id"]))["evidenceCommit"]
    assert made["evidence"]["id"] == again["evidence"]["id"] == ticket["id"]
    assert (made["evidence"]["width"], made["evidence"]["height"]) == (64, 48)
    view = made["evidence"]["viewUrl"]
    shown = await chief.http.get(view)
    assert shown.status_code == 200
    assert shown.headers["content-type"] == "image/jpeg"
    assert shown.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert Image.open(io.BytesIO(shown.content)).size == (64, 48)
    forged = view[:-4] + ("aaaa" if not view.endswith("aaaa") else "bbbb")
    assert (await chief.http.get(forged)).status_code == 403
    assert (await chief.http.get(view.partition("?")[0])).status_code == 403
