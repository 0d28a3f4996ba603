"""GraphiQL without the Internet: the page, its files, and a real browser that signs in."""

import os
import re
from pathlib import Path

import pytest

from tests.api.browser import browsing, chromium
from tests.api.client import PASSWORD, Client
from tests.api.world import World

SIGN_IN = """
(() => {
  const form = document.getElementById("sign-in");
  form.elements.tenant.value = "yichang";
  form.elements.login.value = "worker";
  form.elements.password.value = "%s";
  form.requestSubmit();
})()
"""


@pytest.mark.parametrize(("path", "files"), [("/graphql", 9), ("/console/plugins", 4)])
async def test_a_page_names_no_other_host(worker: Client, path: str, files: int) -> None:
    page = await worker.http.get(path, headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "http" not in page.headers["content-security-policy"]
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    loaded = [name for name in loaded if name not in ("/graphql", "/console/plugins")]
    assert len(loaded) == files
    for name in loaded:
        assert name == "data:," or name.startswith("/console/")
        if name.startswith("/"):
            file = await worker.http.get(name)
            assert file.status_code == 200
            if name.endswith(".css"):
                assert not re.search(r"url\(\s*[\"']?(?:https?:)?//|@import", file.text)
    for own in ("console", "session", "plugins"):
        assert not re.search(r"https?://", (await worker.http.get(f"/console/{own}.js")).text)


async def test_files_come_compressed_or_plain_as_asked(worker: Client) -> None:
    path = "/console/react.production.min.js"
    plain = await worker.http.get(path, headers={"accept-encoding": "identity"})
    packed = await worker.http.get(path, headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.content == packed.content


@pytest.mark.parametrize(
    "name", ["index.html", "plugins.html", "THIRD_PARTY.txt", "..%2f__init__.py", "x.js"]
)
async def test_nothing_else_of_the_package_is_served(worker: Client, name: str) -> None:
    assert (await worker.http.get(f"/console/{name}")).status_code == 404


async def test_a_browser_signs_in_and_asks(worker: Client, world: World, tmp_path: Path) -> None:
    program = chromium()
    if program is None:
        assert not os.environ.get("CI"), "CI needs chromium"
        pytest.skip("no chromium on this machine")
    async with browsing(program, tmp_path / "profile") as page:
        await page.send("Page.navigate", url=f"{worker.base_url}/graphql")
        await page.until("!!document.querySelector('.graphiql-container')")
        await page.value(SIGN_IN % PASSWORD)
        await page.until("document.getElementById('status').textContent.includes('yichang worker')")
        await page.until("!!document.querySelector('.graphiql-execute-button')")
        await page.value("document.querySelector('.graphiql-execute-button').click()")
        await page.until(
            "document.querySelector('.result-window')?.textContent.includes('organisation.read')"
        )
        requested = [url for url in page.requested if not url.startswith("data:")]
        refused = [text for text in page.complaints if "401" not in text and "400" not in text]
    assert requested
    assert all(url.startswith(worker.base_url) for url in requested)
    assert refused == []
