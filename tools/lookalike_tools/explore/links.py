"""Where a link that a server hands out may lead: a server must not make us look around our own machine or network."""

import asyncio
import ipaddress
import socket
from typing import Literal

from lookalike_tools.errors import BadAnswer
from lookalike_tools.explore.address import is_loopback

Zone = Literal["global", "private", "link-local", "loopback"]

_REACHABLE: dict[Zone, frozenset[Zone]] = {
    "global": frozenset({"global"}),
    "private": frozenset({"global", "private"}),
    "link-local": frozenset({"global", "private", "link-local"}),
    "loopback": frozenset({"global", "private", "loopback"}),
}
_NEAREST_FIRST: tuple[Zone, ...] = ("loopback", "link-local", "private", "global")


class Links:
    """The links of one server, whose own host is `host`: they may lead to that host, to where it is, or farther out."""

    def __init__(self, host: str, source: str, *, allow_http: bool) -> None:
        self._host = host
        self._source = source
        self._allow_http = allow_http

    async def check(self, scheme: str, host: str, userinfo: bytes, about: str) -> None:
        """Raises `BadAnswer` unless this is https (or http to loopback, or where http is allowed) and within reach."""
        if userinfo or not host:
            raise self._refused(about, "with a user in it" if userinfo else "without a host")
        if host != self._host and await _zone(host) not in _REACHABLE[await _zone(self._host)]:
            raise self._refused(about, "into this machine or its network, where the server itself is not")
        if scheme != "https" and not (scheme == "http" and (self._allow_http or is_loopback(host))):
            raise self._refused(about, "that is not https", "Allow http for this server, if its network is trusted")

    def _refused(
        self, about: str, how: str, todo: str = "Nothing was fetched; the server's operator must look"
    ) -> BadAnswer:
        return BadAnswer(f"{self._source} gave a link for {about} {how}, which is not followed", todo)


async def _zone(host: str) -> Zone:
    """The nearest zone among the addresses of `host`; one whose addresses nobody here knows is far away."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return "global"
    zones = {_zone_of(str(place[0])) for *_, place in found}
    return next(zone for zone in _NEAREST_FIRST if zone in zones)


def _zone_of(address: str) -> Zone:
    there = ipaddress.ip_address(address.partition("%")[0])
    there = getattr(there, "ipv4_mapped", None) or there
    if there.is_loopback or there.is_unspecified:
        return "loopback"
    if there.is_link_local:
        return "link-local"
    return "global" if there.is_global and not there.is_multicast else "private"
