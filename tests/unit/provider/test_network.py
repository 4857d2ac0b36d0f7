"""What the environment says of proxies and certificates: used, left out with a word, or refused by name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rivya_run.errors import UsageError
from rivya_run.provider.network import Network

CERTIFICATE = Path(__file__).parents[2] / "contract" / "localhost.pem"
PEM = CERTIFICATE.read_text()
PEM = (
    PEM[PEM.index("-----BEGIN CERTIFICATE") : PEM.index("-----END CERTIFICATE-----")]
    + "-----END CERTIFICATE-----\n"
)
NAMES = ("http", "https", "all", "no")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests."""
    for name in NAMES:
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


def proxy_of(url_host: str, port: int = 443, scheme: str = "https") -> str | None:
    """The proxy that a request goes through, as HOST:PORT."""
    proxy = Network.of_environment().proxy_for(scheme, url_host, port)
    return (
        None if proxy is None else f"{proxy.url.scheme.decode()}://{proxy.url.host.decode()}:{proxy.url.port}"
    )


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    ("value", "used"),
    [
        ("http://proxy.corp:3128", "http://proxy.corp:3128"),
        ("http://proxy.corp:3128/", "http://proxy.corp:3128"),
        ("proxy.corp:3128", "http://proxy.corp:3128"),
        ("http://me:p%40ss@10.0.0.1:8080", "http://10.0.0.1:8080"),
        ("https://[2001:db8::1]:443", "https://2001:db8::1:443"),
        ("socks5://127.0.0.1:1080", "socks5://127.0.0.1:1080"),
        ("socks5h://127.0.0.1:1080", "socks5h://127.0.0.1:1080"),
        (" http://proxy.corp:1 ", "http://proxy.corp:1"),
    ],
)
def test_a_proxy_is_used(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, used: str) -> None:
    """Whatever the variable is called, for what is elsewhere, and never for this machine."""
    monkeypatch.setenv(variable, value)
    found = proxy_of("api.example")
    assert (found is not None and found.removesuffix(":None") == used.removesuffix(":443")) or found == used
    for host in ("127.0.0.1", "::1", "localhost", "127.9.9.9", "LOCALHOST."):
        assert proxy_of(host) is None
    assert proxy_of("api.example", 80, "http") is None


@pytest.mark.parametrize(
    "variable", [name for low in ("https_proxy", "all_proxy", "http_proxy") for name in (low, low.upper())]
)
@pytest.mark.parametrize(
    "value",
    [
        "socks://127.0.0.1:9",
        "socks4://127.0.0.1:9",
        "ftp://proxy.corp:21",
        "http://proxy.corp:65536",
        "http://proxy.corp:99999",
        "http://proxy.corp:0",
        "http://proxy.corp:port",
        "http://proxy.corp:-1",
        "http://",
        "http://:8080",
        "http://[::1",
        "http://proxy corp:80",
        "http:/proxy.corp:80",
        "http://proxy.corp/proxy.pac",
        "DIRECT nonsense",
        "\u00a7\u00a7",
        "://",
        "?",
    ],
)
def test_a_proxy_that_can_not_be_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """Variable and cure are named, whichever variable it is."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError) as caught:
        Network.of_environment()
    assert caught.value.exit_code == 2
    assert variable in caught.value.message
    assert caught.value.hint is not None and variable in caught.value.hint


def test_a_password_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    """In no refusal and no repr."""
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hun@ter2@proxy.corp:99999")
    with pytest.raises(UsageError) as caught:
        Network.of_environment()
    assert "ter2" not in str(caught.value) and "hun" not in str(caught.value)
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hunter2@proxy.corp:999")
    assert "hunter2" not in repr(Network.of_environment())


def test_socks_without_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cure is to install it."""
    monkeypatch.setitem(__import__("sys").modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(UsageError) as caught:
        Network.of_environment()
    assert "ALL_PROXY" in caught.value.message
    assert caught.value.hint is not None and "rivya-run[socks]" in caught.value.hint


@pytest.mark.parametrize(
    ("entries", "host", "direct"),
    [
        ("api.example", "api.example", True),
        ("example", "api.example", True),
        ("example", "myexample", False),
        (".example", "api.example", True),
        (".example", "example", False),
        ("*.example", "api.example", True),
        ("API.Example", "api.example", True),
        ("api.example:443", "api.example", True),
        ("api.example:444", "api.example", False),
        ("localhost, api.example", "api.example", True),
        ("localhost api.example", "api.example", True),
        (" , ,api.example,", "api.example", True),
        ("*", "api.example", True),
        ("localhost,*", "api.example", True),
        ("https://api.example", "api.example", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.1.2.3", "10.1.2.3", True),
        ("10.1.2.3:443", "10.1.2.3", True),
        ("fd07:b51a:cc66:f0::/64", "fd07:b51a:cc66:f0::7", True),
        ("fd07:b51a:cc66:f0::/64", "fd07:b51a:cc66:f1::7", False),
        ("[fd07::1]", "fd07::1", True),
        ("[fd07::1]:443", "fd07::1", True),
        ("[fd07::]/16", "fd07::1", True),
        ("[::1]", "api.example", False),
        ("", "api.example", False),
    ],
)
def test_exceptions(monkeypatch: pytest.MonkeyPatch, entries: str, host: str, direct: bool) -> None:
    """Hosts, what is below them, addresses and ranges, in all the ways that people write them."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.corp:3128")
    monkeypatch.setenv("NO_PROXY", entries)
    assert Network.of_environment().notices == ()
    assert (proxy_of(host) is None) is direct


@pytest.mark.parametrize(
    "odd",
    [
        "[::1",
        "10.0.0.0/99",
        "192.168.*",
        "a/b",
        "host:port",
        "host:99999",
        "[x]",
        "\u00a7",
    ],
)
def test_an_exception_that_can_not_be_read_is_left_out(monkeypatch: pytest.MonkeyPatch, odd: str) -> None:
    """With a notice that names the variable; the others count."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.corp:3128")
    monkeypatch.setenv("NO_PROXY", f"localhost,{odd},api.example")
    (notice,) = Network.of_environment().notices
    assert "NO_PROXY" in notice and odd in notice
    assert proxy_of("api.example") is None
    assert proxy_of("other.example") is not None


def test_without_a_proxy_exceptions_mean_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """And are not talked about."""
    monkeypatch.setenv("NO_PROXY", "[::1")
    assert Network.of_environment() == Network()


def folder(path: Path, *names: str) -> Path:
    """A folder with certificates of these names."""
    path.mkdir()
    for name in names:
        (path / name).write_text(PEM)
    return path


def refused(variable: str, path: Path) -> None:
    """The setting is a usage error that names variable and file."""
    with pytest.raises(UsageError) as caught:
        Network.of_environment()
    assert caught.value.exit_code == 2
    assert variable in caught.value.message and str(path) in caught.value.message
    assert caught.value.hint is not None and variable in caught.value.hint


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"none",
        PEM[:200].encode(),
        PEM.replace("MII", "XXX").encode(),
        PEM.encode()[:-40],
        b"\xff\x00" * 99,
    ],
    ids=["empty", "text", "cut", "altered", "no end", "bytes"],
)
def test_a_file_without_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Nothing, no PEM, or a broken certificate."""
    path = tmp_path / "ca.pem"
    path.write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    refused("SSL_CERT_FILE", path)


def test_a_broken_certificate_among_good_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after it would be missing without a word."""
    path = tmp_path / "ca.pem"
    path.write_text(PEM + PEM.replace("MII", "XXX") + PEM)
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    refused("SSL_CERT_FILE", path)


def test_no_such_file_or_one_that_can_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file, a folder, a pipe, one that is somebody else's."""
    missing, pipe, locked = tmp_path / "none.pem", tmp_path / "pipe", tmp_path / "locked.pem"
    os.mkfifo(pipe)
    locked.write_text(PEM)
    locked.chmod(0)
    for path in (missing, tmp_path, pipe, *([] if os.access(locked, os.R_OK) else [locked])):
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        refused("SSL_CERT_FILE", path)


def test_folders_without_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NotFound, empty, or without the names by which certificates are found."""
    for path in (
        tmp_path / "none",
        folder(tmp_path / "empty"),
        folder(tmp_path / "plain", "ca.pem"),
        CERTIFICATE,
    ):
        monkeypatch.setenv("SSL_CERT_DIR", str(path))
        refused("SSL_CERT_DIR", path)


def test_good_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file counts before folders; of folders one is enough; other programs' variables don't matter."""
    good = folder(tmp_path / "good", "0a1b2c3d.0")
    monkeypatch.setenv("SSL_CERT_DIR", f"{tmp_path / 'none'}{os.pathsep}{good}")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    Network.of_environment()
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    Network.of_environment()
    monkeypatch.setenv("SSL_CERT_FILE", "")
    monkeypatch.setenv("SSL_CERT_DIR", "")
    Network.of_environment()
