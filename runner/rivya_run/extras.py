"""How an extra of the distribution is installed: as the program itself was."""

from __future__ import annotations

import shlex
from importlib.metadata import PackageNotFoundError, distribution

NAME = "rivya-run"


def install_hint(extra: str) -> str:
    """The command that brings the libraries of an extra; from a clone or a wheel file, the one that works there."""
    from_index = f"pip install {shlex.quote(f'{NAME}[{extra}]')}"
    place = _installed_from()
    return from_index if place is None else f"pip install {shlex.quote(f'{place}[{extra}]')}, or {from_index}"


def _installed_from() -> str | None:
    """The folder of a clone, or the file, that the program was installed from; None: an index."""
    import json
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    try:
        told = json.loads(distribution(NAME).read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError, OSError):
        return None
    url = urlsplit(str(told.get("url", ""))) if isinstance(told, dict) else None
    return url2pathname(url.path) if url is not None and url.scheme == "file" else None
