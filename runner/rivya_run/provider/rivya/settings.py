"""What the environment says: the key and the origin."""

from __future__ import annotations

from collections.abc import Mapping

from rivya_run.errors import KeyRefused

KEY_VARIABLE = "RIVYA_API_KEY"
ORIGIN_VARIABLE = "RIVYA_BASE_URL"
DEFAULT_ORIGIN = "https://rivya.ai"
SIMULATOR_ORIGIN = "simulator"


def api_key(environment: Mapping[str, str]) -> str:
    """The API key. Raises KeyRefused where there is none, or one that no header can carry."""
    key = environment.get(KEY_VARIABLE, "").strip()
    if not key:
        raise KeyRefused(
            f"{KEY_VARIABLE} is not set",
            hint="create a key in Rivya's settings and export it, or try --simulate, which needs none",
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise KeyRefused(f"{KEY_VARIABLE} holds characters that no key has", hint="copy the key again")
    return key


def base_url(environment: Mapping[str, str]) -> str:
    """The API origin as it was set, or the public one; not yet checked."""
    return environment.get(ORIGIN_VARIABLE, "").strip() or DEFAULT_ORIGIN
