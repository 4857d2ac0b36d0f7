"""Text from people and servers, made safe to show on a terminal."""

from __future__ import annotations

import re

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    short = _SHORT.get(character)
    if short is not None:
        return short
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def visible(text: str, *, keep: str = "") -> str:
    """``text`` with control characters (C0, C1, DEL), overrides of the reading direction, lone surrogates and
    invisible separators written as escapes, so that it can neither steer a terminal nor hide what it says.

    Characters in ``keep`` (a line break, say) stay as they are.
    """
    if text.isascii() and text.isprintable():
        return text
    if not keep:
        return _UNSAFE.sub(_escape, text)
    return _UNSAFE.sub(lambda match: match.group() if match.group() in keep else _escape(match), text)


def shortened(text: str, limit: int = 60) -> str:
    """``text`` made visible and cut to ``limit`` characters with an ellipsis, for use inside a message."""
    return visible(text if len(text) <= limit else text[: limit - 1] + "…")
