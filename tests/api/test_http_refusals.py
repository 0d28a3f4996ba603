"""What the HTTP layer itself refuses has a code and a text like every other refusal."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from litestar.exceptions import HTTPException

from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.http.failures import reply_to
from jingwei_core.catalogue import load_core_texts
from jingwei_sdk.messages import Catalogue
from tests.policy.project import ROOT


def texts() -> ErrorTexts:
    catalogue = Catalogue()
    load_core_texts(catalogue)
    catalogue.load(ROOT / "frontend_api" / "jingwei_api" / "messages.toml")
    return ErrorTexts(catalogue)


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "HTTP_NOT_FOUND"), (405, "HTTP_METHOD"), (418, "HTTP_REFUSED"), (429, "HTTP_TOO_MANY")],
)
def test_a_refusal_of_the_router_is_told_by_a_code(status: int, code: str) -> None:
    services: Any = SimpleNamespace(texts=texts())
    arrival: Any = SimpleNamespace(
        request=SimpleNamespace(locale="zh", request_id="r-1"), header=lambda _: None
    )
    error = HTTPException(detail="teapot inside", status_code=status, headers={"x-why": "tea"})
    reply = reply_to(services, arrival, "/elsewhere", error)
    (told,) = msgspec.json.decode(reply.body)["errors"]
    assert (reply.status, told["extensions"]["code"]) == (status, code)
    assert "teapot" not in told["message"]
    assert (b"x-why", b"tea") in reply.headers
