"""Fingerprints, keys and bodies: what makes two takes the same work."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rivya_run.journal.fingerprint import (
    KEY_LIMIT,
    canonical,
    client_request_id,
    compact,
    file_identity,
    fingerprint,
    price_key,
    request_body,
    upload_request_id,
    url_identity,
)

FEW = settings(max_examples=50)

DEFAULTS: dict[str, Any] = {"mode": "normal", "duration": 6, "resolution": "480p"}
SCALARS = st.text(max_size=8) | st.integers(-100, 100) | st.booleans()
PARAMS = st.dictionaries(st.sampled_from([*DEFAULTS, "seed", "quality"]), SCALARS, max_size=5)
CHARACTERS = "abcABC019_-"
IDS = st.builds(
    lambda first, rest: first + rest, st.sampled_from("aZ0"), st.text(CHARACTERS, max_size=63)
) | st.text("ab-", min_size=41, max_size=64).map(lambda text: "x" + text[1:])
DIGESTS = st.sampled_from([hashlib.sha256(bytes([n])).hexdigest() for n in range(4)])
KEY_PARTS = st.tuples(IDS, IDS, st.integers(1, 99), DIGESTS, st.integers(1, 999))


def of(params: dict[str, Any], **changes: Any) -> str:
    """The fingerprint of a take with these params."""
    asked = {"model": "m", "prompt": "p", "defaults": DEFAULTS, "references": [], **changes}
    return fingerprint(asked["model"], asked["prompt"], params, asked["defaults"], asked["references"])


@FEW
@given(PARAMS, st.sets(st.sampled_from(sorted(DEFAULTS))))
def test_writing_defaults_out_changes_nothing(params: dict[str, Any], written: set[str]) -> None:
    """A param that equals the table's default may be there or not."""
    spelled = {**{key: DEFAULTS[key] for key in written}, **params}
    bare = {key: value for key, value in spelled.items() if DEFAULTS.get(key) != value}
    assert of(spelled) == of(bare)


@FEW
@given(st.data(), PARAMS)
def test_the_order_of_keys_does_not_matter(data: st.DataObject, params: dict[str, Any]) -> None:
    """Params in any order ask for the same."""
    shuffled = dict(data.draw(st.permutations(list(params.items()))))
    assert of(params) == of(shuffled)


@FEW
@given(PARAMS, st.sampled_from([*DEFAULTS, "seed"]), st.text(max_size=8), st.text(max_size=8))
def test_any_change_of_a_value_changes_it(params: dict[str, Any], key: str, one: str, other: str) -> None:
    """Two values of one param make the same fingerprint only where they are equal."""
    same = of({**params, key: one}) == of({**params, key: other})
    assert same == (one == other)


@pytest.mark.parametrize(
    ("changes"),
    [
        {"model": "other"},
        {"prompt": "other"},
        {"prompt": None},
        {"references": [file_identity("ab")]},
    ],
)
def test_model_prompt_and_references_are_part_of_it(changes: dict[str, Any]) -> None:
    """Another model, prompt or reference is other work."""
    assert of({}, **changes) != of({})


def test_references_are_told_apart_by_content_kind_frame_and_order() -> None:
    """Each of these identities asks for something else."""
    references = [
        [file_identity("ab")],
        [file_identity("cd")],
        [file_identity("ab"), file_identity("cd")],
        [file_identity("cd"), file_identity("ab")],
        [url_identity("https://a/b", "image", None)],
        [url_identity("https://a/c", "image", None)],
        [url_identity("https://a/b", "video", None)],
        [url_identity("https://a/b", "image", "https://a/b")],
        [file_identity("ab", "first")],
        [file_identity("ab", "last")],
        [file_identity("ab", 1.5)],
    ]
    assert len({of({}, references=one) for one in references}) == len(references)


def test_a_signed_url_may_change_under_its_id() -> None:
    """With an ``id`` the URL itself doesn't count."""
    one, other = (
        url_identity("https://a/b?sig=1", "image", "hero"),
        url_identity("https://x", "image", "hero"),
    )
    assert of({}, references=[one]) == of({}, references=[other])


def test_it_is_sha256_over_canonical_json_of_the_four_parts() -> None:
    """The published form, so that anyone can compute it."""
    text = '{"model":"m","params":{"duration":10},"prompt":"p","references":[{"frame":"last","sha256":"ab"}]}'
    asked = of({"mode": "normal", "duration": 10}, references=[file_identity("ab", "last")])
    assert asked == hashlib.sha256(text.encode()).hexdigest()


@FEW
@given(KEY_PARTS)
def test_a_key_is_short_and_of_safe_characters(parts: tuple[str, str, int, str, int]) -> None:
    """At most 128 characters out of ``[A-Za-z0-9._-]``, whatever the ids."""
    key = client_request_id(*parts)
    assert len(key) <= KEY_LIMIT
    assert re.fullmatch(r"[A-Za-z0-9._-]+", key)


@FEW
@given(KEY_PARTS, KEY_PARTS)
def test_different_attempts_have_different_keys(one: tuple[Any, ...], other: tuple[Any, ...]) -> None:
    """A key names one storyboard, shot, take, fingerprint and attempt."""
    assert (client_request_id(*one) == client_request_id(*other)) == (one == other)


@FEW
@given(st.text("ab", min_size=45, max_size=64), st.text("ab", min_size=45, max_size=64))
def test_long_ids_that_begin_alike_stay_apart(one: str, other: str) -> None:
    """Ids that are cut to 40 characters are told apart by their sha256."""
    keys = [client_request_id("s" * 64, "x" * 44 + shot, 1, "0" * 64, 1) for shot in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


def test_keys_read_as_published() -> None:
    """``<storyboard id>.<shot id>.t<take>.<fingerprint 16>.a<attempt>``, and the form of long ids."""
    digest = "0123456789abcdef" * 4
    assert client_request_id("teaser", "sh010", 2, digest, 3) == "teaser.sh010.t2.0123456789abcdef.a3"
    board, long = "b" * 64, "s" * 64
    brief = [f"{name[:40]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}" for name in (board, long)]
    assert client_request_id(board, long, 1, digest, 1) == f"{brief[0]}.{brief[1]}.t1.0123456789abcdef.a1"
    assert upload_request_id("teaser", digest) == "teaser.upload.0123456789abcdef"


def test_a_key_of_exactly_128_characters_stays_whole() -> None:
    """Only what is over the limit is shortened."""
    whole = client_request_id("b" * 41, "s" * 63, 1, "0" * 64, 1)
    assert (len(whole), whole.startswith("b" * 41 + ".")) == (128, True)
    assert client_request_id("b" * 42, "s" * 63, 1, "0" * 64, 1).startswith("b" * 40 + "-")


def test_the_body_holds_the_four_fields_of_a_create() -> None:
    """Model, prompt, params with reference media, and the key; without a prompt there is none."""
    media = [{"url": "https://a/b", "kind": "image"}]
    body = json.loads(request_body("m", "é", {"duration": 6}, media, "key"))
    assert body == {
        "model": "m",
        "prompt": "é",
        "params": {"duration": 6, "referenceMediaItems": media},
        "client_request_id": "key",
    }
    assert "prompt" not in json.loads(request_body("m", None, {}, [], "key"))


@FEW
@given(
    st.recursive(
        SCALARS | st.none() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=8,
    )
)
def test_a_body_read_and_written_again_is_the_same_text(value: Any) -> None:
    """A manifest that holds the body as JSON gives the journalled bytes back."""
    text = compact(value)
    assert compact(json.loads(text)) == text


def test_numbers_beyond_what_floats_hold_are_canonical_too() -> None:
    """A huge seed neither crashes nor loses its digits."""
    assert b"12345678901234567891" in canonical({"seed": 12345678901234567891})
    assert canonical({"b": 2**60, "a": 1}) == canonical({"a": 1, "b": 2**60})


def test_six_is_six_however_it_was_written() -> None:
    """6.0 and 6 are one number in canonical JSON."""
    assert of({"duration": 8.0}) == of({"duration": 8})


@FEW
@given(PARAMS)
def test_learned_prices_belong_to_model_and_params_as_sent(params: dict[str, Any]) -> None:
    """The key of a price changes with the model and with any param, not with their order."""
    turned = dict(reversed(params.items()))
    assert price_key("m", params) == price_key("m", turned)
    assert price_key("m", params) != price_key("n", params)
    assert price_key("m", params) != price_key("m", {**params, "more": 1})
