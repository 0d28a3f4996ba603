"""One signed-in frontend (前端): HTTP as a phone or a browser speaks it, and nothing else."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import httpx

from jingwei_core.demo.passwords import DemoLogin
from jingwei_sdk.errors import Denied, Unavailable

TENANT_HEADER = "X-Jingwei-Tenant"
TIMEOUT_S = 60.0
_SECRET = {"password", "accessToken", "refreshToken", "signature", "policy"}

Watch = Callable[[str, object, object], None]
"""Told of each exchange: what was asked, the request's and the response's JSON."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """Committed evidence: its id, what was sent, and what the server found in it."""

    id: str
    sha256: str
    size: int
    found: Mapping[str, Any]


def document(name: str) -> str:
    """A GraphQL document of this package, by the name of its file."""
    return (files("jingwei_api.demo") / "documents" / f"{name}.graphql").read_text("utf-8")


class Frontend:
    """A person's device after signing in; make it with :func:`sign_in`."""

    def __init__(self, http: httpx.Client, tenant: str, token: str, watch: Watch) -> None:
        self._http = http
        self._watch = watch
        self._headers = {
            TENANT_HEADER: tenant,
            "Authorization": f"Bearer {token}",
            "Accept-Language": "zh",
        }

    def ask(self, name: str, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The data of an operation.

        Raises ``Denied`` (``DEMO_STEP_REFUSED``) with the code and text of the first error.
        """
        body = {"query": document(name), "variables": variables}
        answer = self._http.post("/graphql", json=body, headers=self._headers).json()
        self._watch(f"POST /graphql {name}", variables, answer)
        errors = answer.get("errors")
        if errors:
            raise _refused(name, errors[0])
        data: dict[str, Any] = answer["data"]
        return data

    def upload(self, picture: bytes, key: str, **told: Any) -> Uploaded:
        """Send a JPEG in three steps: ask for the form, post the bytes, commit."""
        digest = hashlib.sha256(picture).hexdigest()
        wanted = {"contentType": "image/jpeg", "size": len(picture), "sha256": digest, **told}
        asked = self.ask("request_upload", {"input": wanted, "key": key})
        granted = asked["evidenceRequest"]["result"]
        form = {field["name"]: field["value"] for field in granted["fields"]}
        photo = {"file": ("photo.jpg", picture, "image/jpeg")}
        # No token here: the form itself says what may be sent.
        sent = self._http.post(granted["url"], data=form, files=photo)
        self._watch(
            f"POST {sent.url.path} ({len(picture)} bytes)", form, {"status": sent.status_code}
        )
        if sent.status_code >= httpx.codes.BAD_REQUEST:
            raise _refused("upload", _problem(sent))
        committed = self.ask("commit_upload", {"id": granted["id"]})
        return Uploaded(
            granted["id"], digest, len(picture), committed["evidenceCommit"]["evidence"]
        )

    def fetch(self, url: str) -> bytes:
        """The bytes behind a signed URL; no token goes with the request."""
        answer = self._http.get(url)
        self._watch(f"GET {answer.url.path}", {}, {"status": answer.status_code})
        if answer.status_code != httpx.codes.OK:
            raise _refused("download", _problem(answer))
        return answer.content


def open_http(url: str) -> httpx.Client:
    """A client of the server at ``url``."""
    return httpx.Client(base_url=url, timeout=TIMEOUT_S)


def answers(url: str) -> bool:
    """Whether a server is there and ready to serve."""
    try:
        return httpx.get(f"{url}/health/ready", timeout=5).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def sign_in(http: httpx.Client, tenant: str, person: DemoLogin, watch: Watch) -> Frontend:
    """Sign in with login and password.

    Raises ``Denied`` (``DEMO_STEP_REFUSED``), ``Unavailable`` (``DEMO_SERVER_SILENT``).
    """
    body = {"login": person.login, "password": person.password}
    try:
        answer = http.post("/auth/sign-in", json=body, headers={TENANT_HEADER: tenant})
    except httpx.TransportError as error:
        raise Unavailable("DEMO_SERVER_SILENT", url=str(http.base_url)) from error
    if answer.status_code != httpx.codes.OK:
        raise _refused(f"sign-in {person.login}", _problem(answer))
    session = answer.json()
    watch("POST /auth/sign-in", body, session)
    return Frontend(http, tenant, session["accessToken"], watch)


def without_secrets(value: object) -> object:
    """The same JSON with passwords, tokens and signatures left out, to be shown."""
    if isinstance(value, Mapping):
        if value.get("name") in _SECRET and "value" in value:
            return {**value, "value": "…"}
        return {k: "…" if k in _SECRET else without_secrets(v) for k, v in value.items()}
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    return value


def _problem(answer: httpx.Response) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except json.JSONDecodeError:
        return {"message": f"HTTP {answer.status_code}"}
    errors = body.get("errors") if isinstance(body, dict) else None
    found: Mapping[str, Any] = errors[0] if errors else {"message": f"HTTP {answer.status_code}"}
    return found


def _refused(step: str, problem: Mapping[str, Any]) -> Denied:
    code = problem.get("extensions", {}).get("code", "")
    return Denied("DEMO_STEP_REFUSED", step=step, refusal=code, cause=problem.get("message", ""))
