"""What the environment says."""

from __future__ import annotations

import pytest

from rivya_run.errors import KeyRefused
from rivya_run.provider.origin import DEFAULT_ORIGIN, api_key, base_url


def test_the_key_is_taken_as_it_was_set() -> None:
    """Without the line end that a file of secrets leaves behind it."""
    assert api_key({"RIVYA_API_KEY": "rvya_sk_1\n"}).reveal() == "rvya_sk_1"


@pytest.mark.parametrize("environment", [{}, {"RIVYA_API_KEY": ""}, {"RIVYA_API_KEY": "  "}])
def test_without_a_key_it_is_said_how_to_get_one(environment: dict[str, str]) -> None:
    """Exit code 4, and that --simulate needs none."""
    with pytest.raises(KeyRefused) as caught:
        api_key(environment)
    assert caught.value.exit_code == 4
    assert "--simulate" in (caught.value.hint or "")


@pytest.mark.parametrize("key", ["rvya sk", "rvya\nX-Evil: 1", "schlüssel", "a\x00b", "“rvya”"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(key: str) -> None:
    """The message doesn't repeat it."""
    with pytest.raises(KeyRefused) as caught:
        api_key({"RIVYA_API_KEY": key})
    assert key not in f"{caught.value.message} {caught.value.hint}"


def test_the_origin_is_rivya_unless_set() -> None:
    """Set and blank is not set."""
    assert base_url({}) == base_url({"RIVYA_BASE_URL": " "}) == DEFAULT_ORIGIN == "https://rivya.ai"
    assert base_url({"RIVYA_BASE_URL": "http://127.0.0.1:8000"}) == "http://127.0.0.1:8000"
