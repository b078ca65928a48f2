"""Proxies and certificates from the environment, as the users of any HTTP program expect."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from lookalike_tools import Credentials, ExploreClient
from lookalike_tools.errors import Unreachable, WrongSettings
from tests.explore_servers import Server, copies, listening
from tests.loopback import served
from tests.proxy import proxying

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("no_waiting")]

NAME = "explore.example"
VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")
TOKEN = Credentials(token="abc.def.ghi")


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
        monkeypatch.delenv(variable.lower(), raising=False)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@contextmanager
def secure(authority: trustme.CA, folder: Path, server: Server) -> Iterator[str]:
    """`server` over https, with a certificate of `authority` for its name and for loopback."""
    certificate = folder / "server.pem"
    authority.issue_cert(NAME, "127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    authority.cert_pem.write_to_path(str(folder / "authority.pem"))
    with served(server.app(), log_level="critical", certificate=certificate) as url:
        yield url


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def vendor() -> Server:
    return Server([copies("a")])


async def test_a_certificate_of_ones_own_authority_is_trusted_by_its_file(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with secure(authority, tmp_path, vendor()) as url:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        async with ExploreClient.for_server(url, TOKEN) as explore:
            assert len(await explore.datasets()) == 1


async def test_a_certificate_that_nobody_vouches_for_is_refused_at_once_and_says_what_to_set(
    authority: trustme.CA, tmp_path: Path
) -> None:
    server = vendor()
    with secure(authority, tmp_path, server) as url:
        async with ExploreClient.for_server(url, TOKEN) as explore:
            with pytest.raises(Unreachable, match=r"certificate is not trusted.*SSL_CERT_FILE"):
                await explore.datasets()
    assert server.requests == []


async def test_https_to_a_server_that_speaks_http_is_called_so() -> None:
    with listening(vendor().app()) as url:
        async with ExploreClient.for_server(url.replace("http:", "https:"), TOKEN) as explore:
            with pytest.raises(Unreachable, match=r"does not speak https.*Check the base URL"):
                await explore.datasets()


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY", "https_proxy"])
async def test_https_goes_through_the_proxy_in_a_tunnel_that_shows_it_no_credential(
    variable: str, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = vendor()
    with secure(authority, tmp_path, server) as url, proxying(port_of(url)) as proxy:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        monkeypatch.setenv(variable, proxy.url)
        async with ExploreClient.for_server(f"https://{NAME}", TOKEN) as explore:
            assert len(await explore.datasets()) == 1
    assert proxy.asked == [f"CONNECT {NAME}:443 HTTP/1.1"]
    assert server.requests[0].headers["authorization"] == "Bearer abc.def.ghi"


async def test_http_that_was_allowed_goes_through_its_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    server = vendor()
    with listening(server.app()) as url, proxying(port_of(url)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        async with ExploreClient.for_server(f"http://{NAME}", TOKEN, allow_http=True) as explore:
            assert len(await explore.datasets()) == 1
    assert proxy.asked == [f"GET http://{NAME}/api/v1/datasets HTTP/1.1"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.9"])
async def test_this_machine_is_never_asked_through_a_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(vendor().app()) as url, proxying(port_of(url)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("ALL_PROXY", proxy.url)
        async with ExploreClient.for_server(f"http://{host}:{port_of(url)}", TOKEN, deadline=1) as explore:
            if host == "127.0.0.9":
                with pytest.raises(Unreachable):
                    await explore.datasets()
            else:
                assert len(await explore.datasets()) == 1
    assert proxy.asked == []


async def test_a_host_for_which_no_proxy_is_wanted_is_asked_directly(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(vendor().app()) as url, proxying(port_of(url)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", "explore.invalid")
        async with ExploreClient.for_server("http://explore.invalid", TOKEN, allow_http=True, deadline=1) as explore:
            with pytest.raises(Unreachable):
                await explore.datasets()
    assert proxy.asked == []


async def test_a_proxy_that_refuses_is_named_as_the_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    with proxying(1, refuses=True) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with ExploreClient.for_server(f"https://{NAME}", TOKEN, deadline=1) as explore:
            with pytest.raises(Unreachable, match=r"proxy.*HTTPS_PROXY"):
                await explore.datasets()


async def test_a_proxy_that_is_not_there_is_named_as_the_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    with listening(vendor().app()) as gone:
        pass
    monkeypatch.setenv("ALL_PROXY", gone)
    async with ExploreClient.for_server(f"https://{NAME}", TOKEN) as explore:
        with pytest.raises(Unreachable, match=r"the proxy that ALL_PROXY names cannot be reached"):
            await explore.datasets()


async def test_the_local_engine_has_no_use_for_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    async with ExploreClient.for_app(vendor().app()) as explore:
        assert len(await explore.datasets()) == 1


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("SSL_CERT_FILE", "/nowhere/authority.pem", "SSL_CERT_FILE"),
        ("HTTPS_PROXY", "gopher://user:word@proxy.example", "HTTPS_PROXY"),
        ("ALL_PROXY", "http://proxy.example:nonsense", "ALL_PROXY"),
    ],
)
async def test_an_environment_that_cannot_be_used_is_an_error_that_names_the_variable(
    variable: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(WrongSettings, match=said) as caught:
        ExploreClient.for_server(f"https://{NAME}", TOKEN)
    assert "word" not in repr(caught.value)
    assert caught.value.__context__ is None
