"""The way to the world as the environment sets it: proxies, exceptions from them, trusted certificates.

What can't be used is found before anything is sent: a setting that fails later looks like a lost request.
"""

from __future__ import annotations

import importlib
import ipaddress
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies

import httpcore2
import httpx2

from rivya_run.errors import UsageError
from rivya_run.provider.origin import is_loopback

_SOCKS = ("socks5", "socks5h")
_SCHEMES = ("http", "https", *_SOCKS)
_HOST = re.compile(r"[\w.-]+")
_HASHED = re.compile(r"[0-9a-fA-F]{8}\.\d+")  # as `openssl rehash` names certificates

Range = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Exempt:
    """One entry of NO_PROXY: a range of addresses, or a host (``.example.com``: those below it)."""

    range: Range | None
    host: str
    port: int | None

    def covers(self, host: str, port: int) -> bool:
        """Whether what is asked of a host (without brackets) goes without the proxy."""
        if self.port is not None and self.port != port:
            return False
        host = host.rstrip(".").lower()
        if self.range is None:
            return host == self.host or host.endswith(f".{self.host.removeprefix('.')}")
        try:
            return ipaddress.ip_address(host) in self.range
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Network:
    """``notices`` tell what of the environment was left out. Without arguments: the direct way."""

    proxy: httpcore2.Proxy | None = field(default=None, repr=False)  # it may hold a password
    exempt: tuple[Exempt, ...] = ()
    notices: tuple[str, ...] = ()

    @classmethod
    def of_environment(cls) -> Network:
        """Raises UsageError, which names the variable, for a proxy or certificates that can't be used."""
        _check_certificates(os.environ)
        found = getproxies()  # of the system as well, on Windows and macOS
        entries = re.split(r"[,\s]+", found.get("no", "").strip(", \t"))
        if "*" in entries:
            return cls()
        proxies = {
            name: _read_proxy(name, found[name]) for name in ("http", "https", "all") if found.get(name)
        }
        # Plain http only ever goes to this machine, and so never through a proxy.
        proxy = proxies.get("https") or proxies.get("all")
        if proxy is None:
            return cls()
        read = {entry: _read_exempt(entry) for entry in entries if entry}
        odd = [entry for entry, exempt in read.items() if exempt is None]
        words = (
            f"{_variable('no')}: ignored entries that are not a host, an address or a range: {', '.join(odd)}"
        )
        return cls(proxy, tuple(one for one in read.values() if one is not None), (words,) if odd else ())

    def proxy_for(self, scheme: str, host: str, port: int) -> httpcore2.Proxy | None:
        """The proxy that a request goes through; never one for this machine."""
        direct = scheme != "https" or is_loopback(host) or any(one.covers(host, port) for one in self.exempt)
        return None if direct else self.proxy


def trusted() -> ssl.SSLContext:
    """Whom to trust: SSL_CERT_FILE or SSL_CERT_DIR, else the system. Takes 20 ms and more."""
    return httpx2.create_ssl_context()


def _variable(scheme: str) -> str:
    """What the setting is called; names in lower case win, as everywhere."""
    names = (f"{scheme}_proxy", f"{scheme}_proxy".upper())
    return next((name for name in names if os.environ.get(name)), "the system's proxy setting")


def _read_proxy(scheme: str, text: str) -> httpcore2.Proxy:
    text = text.strip()
    shown = re.sub(r"^(\w+://)?.*@", r"\1", text)  # no password is repeated

    def refused(why: str, hint: str | None = None) -> UsageError:
        name = _variable(scheme)
        usual = f"set {name} to http://HOST:PORT (or https, socks5, socks5h), or unset it"
        return UsageError(f"{name}={shown} can't be used: {why}", hint=hint or usual)

    whole = text if "://" in text else f"http://{text}"
    try:
        port = urlsplit(whole).port  # which httpx2 takes as large as it comes
        url = httpx2.URL(whole)
        host = url.raw_host.decode("ascii")
    except (httpx2.InvalidURL, ValueError) as error:
        why = "its port is not a number from 1 to 65535" if "ort" in str(error) else "it is not an address"
        raise refused(why) from None
    if url.scheme not in _SCHEMES:
        raise refused(f"{url.scheme}:// proxies are not supported")
    if not host or not (_HOST.fullmatch(host) or ":" in host):
        raise refused("it names no host")
    if port == 0:
        raise refused("its port is not a number from 1 to 65535")
    if url.path not in ("", "/") or url.query or url.fragment:
        raise refused("a proxy is a host and a port, without a path")
    if url.scheme in _SOCKS and not _has_socks():
        from rivya_run.extras import install_hint

        raise refused("SOCKS needs the socks extra", f"{install_hint('socks')}; or use an HTTP proxy")
    return httpcore2.Proxy(
        httpcore2.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=b"/"),
        auth=(url.username.encode(), url.password.encode()) if url.username or url.password else None,
    )


def _has_socks() -> bool:
    try:
        importlib.import_module("socksio")
    except ImportError:
        return False
    return True


def _read_exempt(entry: str) -> Exempt | None:
    """None for what can't be read."""
    text = entry.lower().removeprefix("https://").removeprefix("all://").removesuffix("/")
    bracketed = re.fullmatch(r"\[([^\]]+)\](?::(\d+))?(/\d+)?", text)
    plain = re.fullmatch(r"([^:]+)(?::(\d+))?", text)
    address, port = text, None
    if bracketed:
        address, port = bracketed[1] + (bracketed[3] or ""), bracketed[2]
    elif plain:
        address, port = plain[1], plain[2]
    number = int(port) if port else None
    if number is not None and not 0 < number < 65536:
        return None
    try:
        return Exempt(ipaddress.ip_network(address, strict=False), "", number)
    except ValueError:
        host = address.removeprefix("*").rstrip(".") if address.startswith("*.") else address.rstrip(".")
    return Exempt(None, host, number) if plain and not bracketed and _HOST.fullmatch(host) else None


def _check_certificates(environment: Mapping[str, str]) -> None:
    """Raises UsageError for a setting that names no certificates; the library only looks at the first that is set."""
    for variable, check in (("SSL_CERT_FILE", _fault_of_file), ("SSL_CERT_DIR", _fault_of_folders)):
        named = environment.get(variable)
        if not named:
            continue
        try:
            why = check(named)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
        if why is not None:
            raise UsageError(
                f"{variable}={named} can't be used: {why}",
                hint=f"let {variable} name certificates that are there, or unset it to trust the system's",
            )
        try:
            trusted()
        except OSError as error:  # SSLKEYLOGFILE is opened as well
            raise UsageError(
                f"the certificates of {variable}={named} can't be used: {error}",
                hint="check SSLKEYLOGFILE too",
            ) from None
        return


def _fault_of_file(named: str) -> str | None:
    path = Path(named)
    if path.is_dir():
        return "it is a folder (SSL_CERT_DIR is for folders)"
    if path.exists() and not path.is_file():
        return "it is not a regular file"
    with path.open("rb"):
        pass
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(cafile=named)
    except ssl.SSLError:
        return "it holds no certificates in PEM form, or broken ones"
    return None if context.cert_store_stats()["x509"] else "it holds no certificates in PEM form"


def _fault_of_folders(named: str) -> str | None:
    folders = [Path(part) for part in named.split(os.pathsep) if part]
    if not any(folder.is_dir() for folder in folders):
        return "there is no such folder"
    if any(_HASHED.fullmatch(name) for name in _names(folders)):
        return None
    return "no file in it is named by its hash, so no certificate is found (run `openssl rehash FOLDER`)"


def _names(folders: list[Path]) -> Iterator[str]:
    for folder in folders:
        if folder.is_dir():
            yield from (path.name for path in folder.iterdir())
