"""Where a webhook may go: judged by address, however it is written."""

import asyncio
import socket
from ipaddress import ip_network
from typing import Any

import pytest

from jingwei_core.outbox.outbox_settings import OutboxSettings
from jingwei_core.outbox.targets import check_target
from jingwei_sdk.errors import Denied, Invalid, JingweiError, Unavailable

PUBLIC = "8.8.8.8"
OPEN = OutboxSettings()
ALLOWED = OutboxSettings(allowed_networks=(ip_network("10.1.0.0/16"), ip_network("127.0.0.1/32")))


@pytest.mark.parametrize(
    ("url", "settings", "error", "code"),
    [
        ("http://8.8.8.8/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("http://10.1.2.3/", ALLOWED, Denied, "OUTBOX_TARGET_REFUSED"),
        ("http://127.0.0.1/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("http://127.0.0.2/", ALLOWED, Denied, "OUTBOX_TARGET_REFUSED"),
        ("http://localhost/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://10.1.2.3/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://10.2.0.1/", ALLOWED, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://192.168.0.1/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://172.16.0.1/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://100.64.0.1/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://169.254.169.254/latest", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://0.0.0.0/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://224.0.0.1/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://2130706433/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://0x7f.1/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://[::1]/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://[fe80::1]/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://[fd00::1]/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://[::ffff:10.1.2.3]/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://[2002:a01:203::1]/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("https://[64:ff9b::a01:203]/", OPEN, Denied, "OUTBOX_TARGET_REFUSED"),
        ("ftp://8.8.8.8/", OPEN, Invalid, "OUTBOX_TARGET_INVALID"),
        ("file:///etc/passwd", OPEN, Invalid, "OUTBOX_TARGET_INVALID"),
        ("//8.8.8.8/", OPEN, Invalid, "OUTBOX_TARGET_INVALID"),
        ("https://user:word@8.8.8.8/", OPEN, Invalid, "OUTBOX_TARGET_INVALID"),
        ("https://", OPEN, Invalid, "OUTBOX_TARGET_INVALID"),
        ("https://nowhere.invalid/", OPEN, Unavailable, "OUTBOX_TARGET_UNKNOWN"),
    ],
)
async def test_a_target_is_refused(
    url: str, settings: OutboxSettings, error: type[JingweiError], code: str
):
    with pytest.raises(error) as refusal:
        await check_target(url, settings)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("url", "settings", "pinned"),
    [
        ("https://8.8.8.8/in?a=1", OPEN, "https://8.8.8.8/in?a=1"),
        ("https://[2001:4860:4860::8888]:8443/", OPEN, "https://[2001:4860:4860::8888]:8443/"),
        ("https://10.1.2.3/", ALLOWED, "https://10.1.2.3/"),
        ("http://127.0.0.1:8080/", ALLOWED, "http://127.0.0.1:8080/"),
    ],
)
async def test_a_target_is_allowed(url: str, settings: OutboxSettings, pinned: str):
    assert str((await check_target(url, settings)).pinned) == pinned


def answering(*addresses: str) -> Any:
    async def getaddrinfo(host: str, port: int, **_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in addresses]

    return getaddrinfo


async def test_a_name_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch):
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", answering(PUBLIC), raising=False)
    target = await check_target("https://partner.example/in", OPEN)
    assert str(target.pinned) == "https://8.8.8.8/in"
    assert target.url.host == "partner.example"


async def test_one_private_address_among_public_ones_refuses_the_name(
    monkeypatch: pytest.MonkeyPatch,
):
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", answering(PUBLIC, "10.1.2.3"), raising=False)
    with pytest.raises(Denied):
        await check_target("https://partner.example/in", OPEN)
