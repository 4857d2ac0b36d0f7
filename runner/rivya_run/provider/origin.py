"""Who may be asked, and with which key: the secret, origins, what counts as this machine, URLs of results.

Light on purpose (no HTTP library), so that commands without a network can check an origin too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import NoReturn, SupportsIndex
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

from rivya_run.errors import KeyRefused, UsageError
from rivya_run.json_types import Json
from rivya_run.text import shortened

KEY_VARIABLE = "RIVYA_API_KEY"
ORIGIN_VARIABLE = "RIVYA_BASE_URL"
DEFAULT_ORIGIN = "https://rivya.ai"
SIMULATOR_ORIGIN = "simulator"

_HIDDEN = "[API key]"
_HOST = re.compile(r"[a-z0-9._~-]+|[0-9a-f:.]*:[0-9a-f:.]*")
"""A name or an address; lower case, other letters already in their ASCII form."""

LONGEST_URL = 8192
"""Characters of a URL that is asked for: servers refuse longer ones."""

_LONGEST_TOLD = 200
"""Characters that are kept of one with another scheme: ``data:`` may hold a whole file."""

_AROUND = "".join(map(chr, range(0x21))) + "\x7f\ufeff\u200b"
_LEGAL = ":/?#[]@!$&'()*+,;=%"
_BLANKS = re.compile(r"[\x00-\x20\x7f]")
_HALVES = re.compile("[\ud800-\udfff]")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_SCHEME = re.compile("[A-Za-z][A-Za-z0-9+.-]*:")

_NOT_OF_A_KEY = re.compile(
    rf"^(authorization\s*:\s*)?bearer[\s:]+|^(export\s+)?{KEY_VARIABLE}\s*=|^\$\{{?|[\"'`\u2018-\u201f]",
    re.IGNORECASE,
)
"""What is pasted along with a key: the header's first word, a shell's assignment or name, quotation marks."""


def base_url(environment: Mapping[str, str]) -> str:
    """The API origin as it was set, or the public one; not yet checked."""
    return environment.get(ORIGIN_VARIABLE, "").strip() or DEFAULT_ORIGIN


class Secret:
    """The API key. It shows itself to nobody: only ``reveal`` gives the text, and it can't be pickled."""

    __slots__ = ("_spelt", "_text")

    def __init__(self, text: str) -> None:
        """White space around it is cut; raises KeyRefused, not showing it, for what no header can carry."""
        text = text.strip()
        if (more := _NOT_OF_A_KEY.search(text)) is not None:
            raise KeyRefused(
                f"{KEY_VARIABLE} holds more than the key: {more.group().strip()!r} is not part of it",
                hint=f"set {KEY_VARIABLE} to the key alone, as Rivya's settings show it",
            )
        if not text or not text.isascii() or not text.isprintable() or " " in text:
            raise KeyRefused(
                f"{KEY_VARIABLE} is empty or holds characters that no key has",
                hint="copy it again from Rivya's settings",
            )
        self._text = text
        self._spelt = re.compile("".join(map(_spellings, text)), re.IGNORECASE)

    def reveal(self) -> str:
        """The key itself, for the Authorization header and nothing else."""
        return self._text

    def hide_in(self, text: str) -> str:
        """The text without the key, should a server or a library have repeated it, in whatever escapes."""
        return self._spelt.sub(_HIDDEN, text)

    def hide_in_json(self, value: Json) -> Json:
        """The same for every string of a JSON value, names of members included."""
        if isinstance(value, str):
            return self.hide_in(value)
        if isinstance(value, list):
            return [self.hide_in_json(one) for one in value]
        if isinstance(value, dict):
            return {self.hide_in(name): self.hide_in_json(one) for name, one in value.items()}
        return value

    def __repr__(self) -> str:
        return _HIDDEN

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(_HIDDEN, spec)

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError("a secret is not to be pickled or copied into a file")


def api_key(environment: Mapping[str, str]) -> Secret:
    """Raises KeyRefused where there is none, or one that no header can carry."""
    key = environment.get(KEY_VARIABLE, "").strip()
    if not key:
        raise KeyRefused(
            f"{KEY_VARIABLE} is not set",
            hint="create a key in Rivya's settings and export it, or try --simulate, which needs none",
        )
    return Secret(key)


def _spellings(letter: str) -> str:
    """A letter as it is, or escaped as JSON, URLs, HTML or Python escape it."""
    code = ord(letter)
    escapes = (rf"\\u00{code:02x}", rf"\\x{code:02x}", f"%{code:02x}", f"&#0*{code};", f"&#x0*{code:x};")
    return f"(?:{re.escape(letter)}|{'|'.join(escapes)})"


def is_loopback(host: str | None) -> bool:
    """Whether a host (without port and brackets) is this machine by its name or address alone."""
    if not host:
        return False
    host = host.rstrip(".").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def why_unsafe(url: str, api: str = "") -> str | None:
    """Why results can't be fetched from there, or None: only https, or plain http on this machine, without a user.

    ``api`` is the origin that tells of it: one that is asked over https has no business on this machine's ports.
    """
    if len(url) > LONGEST_URL:
        return f"it is longer than {LONGEST_URL:,} characters"
    parts = _split(url)
    if parts is None:
        return "it is not a URL"
    if parts.scheme not in ("http", "https"):
        return (
            f"{shortened(parts.scheme, 20)}: can't be fetched"
            if parts.scheme
            else "it is not an absolute URL"
        )
    if not parts.hostname or _HOST.fullmatch(parts.hostname) is None:
        return "it names no host"
    if parts.username or parts.password:
        return "it holds a user name or password"
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return "it is plain http to another machine"
    if parts.scheme == "http" and api.startswith("https:"):
        return "it is plain http to this machine, and the API is another one"
    return None


def checked_base_url(text: str) -> str:
    """The API origin in its plain form (lower case, no slash at the end); a path before ``/api/v1`` is kept, and
    that itself dropped, since other programs want it there.

    Raises UsageError unless it is https, or plain http to this machine, without user, query or fragment.
    """
    parts = _split(text.strip())
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise _bad_origin("is not an http(s) address", text)
    if parts.username or parts.password or "@" in parts.netloc:
        raise _bad_origin("holds a user name or password", None)
    if parts.query or parts.fragment or any(character.isspace() for character in text.strip()):
        raise _bad_origin("must not contain a query, a fragment or white space", text)
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise _bad_origin("is plain http: the key would travel in the open", text)
    path = parts.path.rstrip("/").removesuffix("/api/v1").rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc.lower(), path, "", ""))


def _bad_origin(why: str, text: str | None) -> UsageError:
    shown = "" if text is None else f" {text.strip()!r}"
    return UsageError(
        f"the base URL{shown} {why}",
        hint="set RIVYA_BASE_URL to an https address (plain http only to 127.0.0.1, ::1 or localhost)",
    )


def _split(url: str) -> SplitResult | None:
    """The parts of a URL whose port can be read, or None."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def redirect_target(location: str | None) -> str:
    """Where a redirect leads, as far as it is safe to show: `` to https://host``, or nothing."""
    parts = _split(location) if location else None
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    return f" to {parts.scheme}://{parts.hostname}"


def result_url(told: str, base: str) -> str:
    """``told`` as an absolute URL in legal letters, read from ``base``; ``why_unsafe`` says if it can be had.

    How results' URLs are written is published nowhere, so what a browser would open is taken: blanks and letters that
    no URL may hold are quoted. What can't be had stays as it was told, so that a person can be told of it. Percent
    escapes stay: doing this twice changes nothing.
    """
    # One letter more than is allowed: what is cut here is still too long afterwards.
    text = told.strip().strip(_AROUND).strip()[: LONGEST_URL + 1]
    text = _HALVES.sub("\ufffd", text)
    text = _BLANKS.sub(lambda blank: quote(blank.group()), text)  # the library drops tabs and line ends
    try:
        parts = urlsplit(text if _SCHEME.match(text) else urljoin(base, text))
        if parts.scheme not in ("http", "https"):
            return _quoted(text)[:_LONGEST_TOLD]
        url = urlunsplit((parts.scheme, _place(parts), _quoted(parts.path), _quoted(parts.query), ""))
    except ValueError:
        url = _quoted(text)
    return url[: LONGEST_URL + 1]


def _quoted(text: str) -> str:
    return quote(_LONE_PERCENT.sub("%25", text), safe=_LEGAL)


def _place(parts: SplitResult) -> str:
    """User, host and port in legal letters. Raises ValueError for a host or port that can't be one."""
    host = parts.hostname or ""
    if not host.isascii():
        import idna  # its tables take a while, and hardly any host needs them

        host = idna.encode(host, uts46=True).decode("ascii").lower()
    user, at, _ = parts.netloc.rpartition("@")
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{_quoted(user)}{at}{f'[{host}]' if ':' in host else host}{port}"
