"""Which address may be asked: https, or http where nobody else can listen."""

import ipaddress
from urllib.parse import urlsplit

from lookalike_tools.errors import WrongSettings

_API = "/api/v1"


def checked_base_url(base_url: str, *, allow_http: bool) -> str:
    """`base_url` with `/api/v1` at its end, once. Raises `WrongSettings`."""
    todo = "Give it as https://HOST, without user, query or fragment"
    try:
        parts = urlsplit(base_url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise WrongSettings("The base URL cannot be read", todo) from None
    if parts.scheme not in {"http", "https"} or not host:
        raise WrongSettings("The base URL is no http or https address", todo)
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise WrongSettings("The base URL holds a user, a query or a fragment", todo)
    if parts.scheme == "http" and not allow_http and not is_loopback(host):
        raise WrongSettings(
            "The base URL is http, which anyone on the way can read",
            "Use https, or allow it with --allow-http or LOOKALIKE_ALLOW_HTTP=true",
        )
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path if path.endswith(_API) else path + _API}"


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its spelling alone: a loopback address, or localhost."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def proxy_variable(url: str) -> str | None:
    """The environment variable, such as HTTPS_PROXY, whose proxy is asked for `url`; `None` where none is.

    This machine itself is never asked through one.
    """
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415  (only where there may be a proxy)

    parts = urlsplit(url)
    proxies = getproxies()
    if is_loopback(parts.hostname or "") or proxy_bypass(parts.hostname or ""):
        return None
    for kind in (parts.scheme, "all"):
        if proxies.get(kind):
            return f"{kind.upper()}_PROXY"
    return None
