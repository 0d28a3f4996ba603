"""Where a webhook may go (目标核验): decided by address, once, and then spoken to at that address.

A name is looked up here and the connection goes to an address that was checked, so that a second
lookup cannot lead elsewhere.
"""

import asyncio
import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

import httpx

from jingwei_core.outbox.outbox_settings import OutboxSettings
from jingwei_sdk.errors import Denied, Invalid, Unavailable

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """A checked target: the URL as configured, and the address to connect to."""

    url: httpx.URL
    address: Address

    @property
    def pinned(self) -> httpx.URL:
        """The URL with the address in place of the name."""
        return self.url.copy_with(host=str(self.address))


async def check_target(url: str, settings: OutboxSettings) -> Target:
    """The target to use.

    Raises ``Invalid`` (``OUTBOX_TARGET_INVALID``: not http or https, or with a password in it),
    ``Denied`` (``OUTBOX_TARGET_REFUSED``: plain http to another machine, or an address that is not
    public and not allowed), ``Unavailable`` (``OUTBOX_TARGET_UNKNOWN``: the name has no address).
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise Invalid("OUTBOX_TARGET_INVALID", cause=str(error)) from error
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise Invalid("OUTBOX_TARGET_INVALID", cause=f"{parsed.scheme or 'no scheme'}")
    addresses = await _addresses(parsed)
    for address in addresses:
        if parsed.scheme == "http" and not address.is_loopback:
            raise Denied("OUTBOX_TARGET_REFUSED", host=parsed.host, cause="http")
        if not _is_public(address) and not settings.allows(address):
            raise Denied("OUTBOX_TARGET_REFUSED", host=parsed.host, cause=str(address))
    return Target(parsed, addresses[0])


async def _addresses(url: httpx.URL) -> list[Address]:
    port = url.port or (443 if url.scheme == "https" else 80)
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(url.host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unavailable("OUTBOX_TARGET_UNKNOWN", host=url.host) from error
    return [_unwrapped(ip_address(str(entry[4][0]).partition("%")[0])) for entry in found]


def _unwrapped(address: Address) -> Address:
    """An IPv4 address in IPv6 clothes is judged as what it is."""
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or (address.teredo or (None, None))[1] or address
    return address


def _is_public(address: Address) -> bool:
    # 6to4 and NAT64 lead to the IPv4 address inside, which nobody has judged.
    if isinstance(address, IPv6Address) and (
        address.sixtofour is not None or address.packed[:4] == b"\x00\x64\xff\x9b"
    ):
        return False
    return address.is_global and not address.is_multicast
