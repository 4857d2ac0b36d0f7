"""The URLs of results as the API tells them, made into URLs that can be asked for. Pure.

How they are written is published nowhere, so what a browser would open is taken: blanks and letters that no URL
may hold are quoted, relative ones are read from the task's own URL. What can't be had stays as it was told, so
that a person can be told of it.
"""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

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


def result_url(told: str, base: str) -> str:
    """``told`` as an absolute URL in legal letters, read from ``base``; ``origin.why_unsafe`` says if it can be had.

    Percent escapes stay, so that doing this twice changes nothing.
    """
    # One letter more than is allowed: what is cut here is still too long afterwards.
    text = told.strip().strip(_AROUND).strip()[: LONGEST_URL + 1]
    text = _HALVES.sub("\ufffd", text)
    text = _BLANKS.sub(
        lambda blank: f"%{ord(blank.group()):02X}", text
    )  # the library drops tabs and line ends
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
