"""The pages: for any browser, without JavaScript, and in a real one of a phone's size."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from jingwei_core.evidence.keys import Area, area_prefix
from tests.api.browser import Page, browsing, chromium
from tests.api.public_reports.world import PHONE, PICTURE, Resident, error_of, settle, written
from tests.core.events.city import GRID, IN_GRID, NOWHERE

NO_PHOTO = {"photos": ("", b"")}
PHOTOS = [("photos", (f"{number}.jpg", PICTURE, "image/jpeg")) for number in range(7)]


async def test_places_are_found_by_name_and_by_position(resident: Resident) -> None:
    told = (await resident.get("/api/places", q="桃源")).json()["places"]
    assert [(place["name"], place["within"]) for place in told] == [
        ("桃源2", ["桃源1"]),
        ("桃源74", ["桃源1"]),
    ]
    told = (await resident.get("/api/places", **IN_GRID)).json()["places"]
    assert [place["id"] for place in told] == [str(resident.city.places[GRID])]
    assert (await resident.get("/api/places", **NOWHERE)).json() == {"places": []}
    assert (await resident.get("/api/places", q="桃")).json() == {"places": []}
    wrong = await resident.get("/api/places", lon="111", lat="30", crs="GCJ-02")
    assert error_of(wrong)[0] == 400
    assert error_of(await resident.get("/api/places", lon="far", lat="30"))[1] == (
        "PUBLIC_FORM_INVALID"
    )


async def _opened(resident: Resident) -> dict[str, str]:
    """The fields of a form that a browser came to by searching."""
    found = await resident.get(q="桃源")
    link = re.search(r'href="([^"]+/new\?place=[^"]+)"', found.text)
    assert link is not None
    form = await resident.http.get(link[1].replace("&amp;", "&"))
    loaded = re.findall(r'(?:src|href)="([^"]+)"', form.text)
    assert all(path.startswith(("/report", "#", "data:,")) for path in loaded)
    token = re.search(r'name="form" value="([^"]+)"', form.text)
    assert token is not None
    resident.clock.forward(seconds=10)
    place = str(resident.city.places[GRID])
    return {"form": token[1], "place": place, "text": "路面有坑，请来看看", "phone": PHONE}


async def _send(
    resident: Resident, fields: dict[str, str], files: Any = NO_PHOTO
) -> httpx.Response:
    return await resident.http.post(f"{resident.here}/new", data=fields, files=files)


async def test_pages_load_nothing_from_elsewhere_and_are_kept_by_nobody(
    resident: Resident,
) -> None:
    page = await resident.get(lang="en", lon="111.295", lat="30.695")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self'" in policy
    assert "http" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert ('lang="en"' in page.text, "Where is it?" in page.text) == (True, True)
    assert "&lon=111.295" in page.text.replace("&amp;", "&")
    assert (await resident.get("/new", place="nowhere")).status_code == 303
    assert (await resident.http.get("/report-assets/words.toml")).status_code == 404
    assert (await resident.http.get("/report-assets/style.css")).status_code == 200


async def _originals(resident: Resident) -> list[str]:
    """The keys of what is locked in the store."""
    city = resident.city
    prefix, soon = area_prefix(city.tenant.id, Area.ORIGINAL), datetime.now(UTC) + timedelta(days=1)
    found = await city.platform.store.list_prefix(prefix, older_than=soon, limit=1000)
    return sorted(each.key for each in found)


async def test_a_form_that_is_refused_comes_back_with_what_was_written(resident: Resident) -> None:
    fields = await _opened(resident)
    before = await written(resident.city)
    again = await _send(resident, {**fields, "text": "短"})
    assert (again.status_code, 'role="alert"' in again.text) == (400, True)
    assert f'value="{PHONE}"' in again.text
    assert f'value="{fields["form"]}"' in again.text
    evil = await _send(resident, {**fields, "text": "短", "name": '"><script>alert(1)</script>'})
    assert "<script>alert" not in evil.text
    assert (await _send(resident, fields, PHOTOS)).status_code == 400
    unread = await resident.post("/new", **fields)
    assert (unread.status_code, "在哪里？" in unread.text) == (400, True)
    broken = [*PHOTOS[:1], ("photos", ("a.jpg", b"no picture", "image/jpeg"))]
    locked = await _originals(resident)
    assert (await _send(resident, fields, broken)).status_code == 400
    assert await _originals(resident) == locked
    assert (await _send(resident, {**fields, "text": "x" * 20_000})).status_code == 400
    assert (await _send(resident, {**fields, "website": "x"})).status_code == 403
    assert (await resident.post("/follow", code="no")).status_code == 404
    assert (await resident.post("/rate", code="no", stars="many")).status_code == 400
    assert await written(resident.city) == before


async def test_a_report_is_sent_followed_rated_and_reopened_by_forms_alone(
    resident: Resident,
) -> None:
    city = resident.city
    sent = await _send(resident, await _opened(resident), PHOTOS[:2])
    code = re.search(r'<code id="code">([^<]+)</code>', sent.text)
    assert code is not None
    event = (await resident.event_of(code[1]))["id"]
    photos = "SELECT count(*) FROM core.step_evidence WHERE event = $1"
    assert await city.value(photos, event) == 2
    await settle(city, event)
    for path, more, text in (
        ("/follow", {}, "处理好了"),
        ("/rate", {"stars": "5"}, "谢谢您的评价"),
        ("/forget", {}, "联系方式已删除"),
        ("/reopen", {"reason": "还是有坑"}, "已要求重新办理"),
    ):
        page = await resident.post(path, code=code[1], **more)
        assert (page.status_code, text in page.text) == (200, True), page.text
        assert code[1] not in str(page.url)


FIT = """
(() => {
  const named = (el) => el.labels.length > 0 && el.labels[0].innerText.trim() !== "";
  const shown = [...document.querySelectorAll("input:not([type=hidden]), select, textarea")];
  const pressed = [...document.querySelectorAll("main button")];
  const small = pressed.filter((el) => el.offsetParent !== null && el.offsetHeight < 44);
  const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth;
  return shown.every(named) && small.length === 0 && !wide
    && document.documentElement.lang === "zh-CN"
    && document.querySelectorAll("h1").length === 1
    && document.querySelectorAll("main").length === 1;
})()
"""


async def _choose(page: Page, selector: str, file: Path) -> None:
    root = await page.send("DOM.getDocument")
    found = await page.send("DOM.querySelector", nodeId=root["root"]["nodeId"], selector=selector)
    await page.send("DOM.setFileInputFiles", files=[str(file)], nodeId=found["nodeId"])


async def _find_the_place(page: Page, url: str) -> None:
    """On a small phone that runs no script."""
    screen = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    await page.send("Emulation.setScriptExecutionDisabled", value=True)
    await page.send("Emulation.setDeviceMetricsOverride", **screen)
    await page.send("Page.navigate", url=url)
    await page.until("document.getElementById('q') !== null")
    await _fits(page)
    await page.value("document.getElementById('q').value = '桃源2'")
    await page.value("document.querySelector('form[role=search]').requestSubmit()")
    await page.until("document.querySelector('.places a') !== null")
    await page.value("document.querySelector('.places a').click()")


async def _fits(page: Page) -> None:
    """Nothing is wider than the screen, once the styles are there."""
    await page.until("document.readyState === 'complete'")
    assert await page.value(FIT)


async def _follow_and_rate(page: Page) -> None:
    await page.value("document.querySelector('main form').requestSubmit()")
    await page.until("document.getElementById('state') !== null")
    assert await page.value("document.getElementById('state').textContent") == "处理好了"
    await _fits(page)
    await page.until("document.querySelector('.photos img').naturalWidth > 0")
    await page.value("document.querySelector('#rate input[value=\"5\"]').checked = true")
    await page.value("document.getElementById('rate').requestSubmit()")
    await page.until("(document.body?.innerText ?? '').includes('谢谢您的评价')")


async def test_a_phone_reports_and_follows_without_javascript(
    resident: Resident, public_url: str, tmp_path: Path
) -> None:
    program = chromium()
    if program is None:
        assert not os.environ.get("CI"), "CI needs chromium"
        pytest.skip("no chromium on this machine")
    photo = tmp_path / "坑.jpg"
    photo.write_bytes(PICTURE)
    async with browsing(program, tmp_path / "profile") as page:
        await _find_the_place(page, f"{public_url}{resident.here}?lang=zh")
        await page.until("document.getElementById('text') !== null")
        await _fits(page)
        await page.value("document.getElementById('text').value = '人行道地砖松动'")
        await page.value(f"document.getElementById('phone').value = '{PHONE}'")
        await _choose(page, "#photos", photo)
        resident.clock.forward(seconds=10)
        await page.value("document.querySelector('form[enctype]').requestSubmit()")
        await page.until("document.getElementById('code') !== null")
        code = await page.value("document.getElementById('code').textContent")
        event = await resident.event_of(code)
        assert event["title"] == "人行道地砖松动"
        await settle(resident.city, event["id"])
        await _follow_and_rate(page)
        assert page.complaints == []
        assert all(url.startswith(public_url) for url in page.requested if url[:4] == "http")
        assert not [url for url in page.requested if code[:4] in url]
