"""What makes two takes the same work, and the keys that follow from it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache

import rfc8785

from rivya_run.json_types import Json

KEY_LIMIT = 128
"""Longest client request id: the only limit that the API publishes (Files page)."""


def canonical(value: Json) -> bytes:
    """Canonical JSON (RFC 8785): the same bytes for the same value, whatever the key order."""
    try:
        return rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:  # an integer beyond 2**53: exact in JSON, not in RFC 8785
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def fingerprint(
    model: str,
    prompt: str | None,
    params: Mapping[str, Json],
    defaults: Mapping[str, Json],
    references: Sequence[Mapping[str, Json]],
) -> str:
    """sha256 (hex) of what is asked for.

    Params equal to the table's defaults don't count, so writing a default out changes nothing. The shot's
    id, its take and upload URLs are not part of it. ``references`` are identities, in order.
    """
    distinct = {key: value for key, value in params.items() if key not in defaults or defaults[key] != value}
    asked: dict[str, Json] = {
        "model": model,
        "prompt": prompt,
        "params": distinct,
        "references": [dict(reference) for reference in references],
    }
    return hashlib.sha256(canonical(asked)).hexdigest()


def url_identity(url: str, kind: str, stable_id: str | None) -> dict[str, Json]:
    """A reference on the web is its URL, or the ``id`` that stays when a signed URL changes, with its kind."""
    return {"id": stable_id, "kind": kind} if stable_id is not None else {"url": url, "kind": kind}


def file_identity(sha256: str, frame: str | float | None = None) -> dict[str, Json]:
    """A reference to a file, also a shot's, is its content with the frame asked for."""
    return {"sha256": sha256} if frame is None else {"sha256": sha256, "frame": frame}


def client_request_id(storyboard: str, shot: str, take: int, digest: str, attempt: int) -> str:
    """The key of one attempt: a pure function, so that a lost folder can be filled again without paying."""
    tail = f"t{take}.{digest[:16]}.a{attempt}"
    key = f"{storyboard}.{shot}.{tail}"
    return key if len(key) <= KEY_LIMIT else f"{shortened(storyboard)}.{shortened(shot)}.{tail}"


def was_made_for(key: str, shot: str) -> bool:
    """Whether a create of this key was one of a shot of this id, whichever shot its attempt serves by now."""
    return any(f".{name}.t" in key for name in (shot, shortened(shot)))


def upload_request_id(storyboard: str, sha256: str) -> str:
    """The trace id of an upload (form field only)."""
    key = f"{storyboard}.upload.{sha256[:16]}"
    return key if len(key) <= KEY_LIMIT else f"{shortened(storyboard)}.upload.{sha256[:16]}"


def price_key(model: str, params: Mapping[str, Json]) -> str:
    """Names what the API's answers are compared under when costs are learned: model and params as sent."""
    return _price_key(model, json.dumps(dict(params)))


@lru_cache(maxsize=4096)  # asked for again and again for the same few params, while a take waits
def _price_key(model: str, params: str) -> str:
    return hashlib.sha256(canonical({"model": model, "params": json.loads(params)})).hexdigest()[:16]


def request_body(
    model: str,
    prompt: str | None,
    params: Mapping[str, Json],
    media: Sequence[Mapping[str, Json]],
    key: str,
) -> str:
    """The exact text of a create's body. ``media`` become ``params.referenceMediaItems``."""
    sent: dict[str, Json] = dict(params)
    if media:
        sent["referenceMediaItems"] = [dict(item) for item in media]
    request: dict[str, Json] = {"model": model}
    if prompt is not None:
        request["prompt"] = prompt
    return compact({**request, "params": sent, "client_request_id": key})


def compact(value: Json) -> str:
    """JSON without spaces, keys in the order they have; the same text for the same value."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def shortened(identifier: str) -> str:
    return f"{identifier[:40]}-{hashlib.sha256(identifier.encode()).hexdigest()[:8]}"
