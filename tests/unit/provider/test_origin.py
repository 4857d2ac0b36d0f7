"""Origins and the secret."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.errors import KeyRefused, UsageError
from rivya_run.provider.origin import Secret, checked_base_url, is_loopback, redirect_target, why_unsafe

KEY = "rvya_sk_0123456789abcdef"


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://rivya.ai", "https://rivya.ai"),
        (" https://Rivya.AI/ ", "https://rivya.ai"),
        ("https://example.com:8443/rivya/", "https://example.com:8443/rivya"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("http://LOCALHOST:1", "http://localhost:1"),
    ],
)
def test_good_origin(text: str, origin: str) -> None:
    """https anywhere and plain http to this machine are taken, in one plain form."""
    assert checked_base_url(text) == origin


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rivya.ai",
        "ftp://rivya.ai",
        "http://rivya.ai",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "https://",
        "https://rivya.ai:notaport",
        "https://rivya.ai?x=1",
        "https://rivya.ai#x",
        "https://rivya .ai",
        "https://[::1",
    ],
)
def test_bad_origin(text: str) -> None:
    """Everything else is a usage error."""
    with pytest.raises(UsageError) as caught:
        checked_base_url(text)
    assert caught.value.exit_code == 2


def test_user_in_origin() -> None:
    """A password in the base URL is refused and not repeated."""
    with pytest.raises(UsageError) as caught:
        checked_base_url("https://me:hunter2@rivya.ai")
    assert "hunter2" not in str(caught.value)


@given(st.text(max_size=80))
def test_any_origin(text: str) -> None:
    """Any text is an origin or a usage error."""
    try:
        assert why_unsafe(checked_base_url(text)) is None
    except UsageError:
        return


def test_loopback() -> None:
    """This machine is known by its addresses and its name only."""
    assert is_loopback("127.0.0.1") and is_loopback("::1") and is_loopback("localhost.")
    assert not is_loopback("127.0.0.1.example.com") and not is_loopback(None) and not is_loopback("")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://media.example/x.mp4?sig=1", None),
        ("http://127.0.0.1:9/x", None),
        ("http://media.example/x", "plain http"),
        ("file:///etc/passwd", "file:"),
        ("data:video/mp4;base64,AAAA", "data:"),
        ("https://a:b@media.example/x", "user name"),
        ("https:///x", "no host"),
        ("/x.mp4", "not an absolute URL"),
        ("", "not an absolute URL"),
        ("https://media.example:99999/", "not a URL"),
        ("https://media.example/" + "x" * 8192, "longer than 8,192"),
    ],
)
def test_why_unsafe(url: str, why: str | None) -> None:
    """Results come over https or from this machine, without a user name in the URL; else it is told why not."""
    found = why_unsafe(url)
    assert found is None if why is None else found is not None and why in found


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/x", "http://localhost/x", "http://[::1]/x"])
def test_an_api_elsewhere_names_no_port_of_this_machine(url: str) -> None:
    """What listens here is nobody's result, unless the API is here too."""
    assert why_unsafe(url) is why_unsafe(url, "http://127.0.0.1:9") is None
    assert "the API is another one" in (why_unsafe(url, "https://api.example") or "")
    assert why_unsafe("https://media.example/x", "https://api.example") is None


def test_redirect_target() -> None:
    """Only the host of a redirect is shown."""
    assert redirect_target("https://evil.example/a?token=1") == " to https://evil.example"
    assert redirect_target("/elsewhere") == redirect_target(None) == redirect_target("http://[") == ""


def test_secret_hides() -> None:
    """The key is in no form that a person or a log could see."""
    secret = Secret(f"  {KEY}\n")
    assert secret.reveal() == KEY
    for shown in (repr(secret), str(secret), f"{secret}", f"{secret:>40}", f"{[secret]}"):
        assert KEY not in shown
    assert secret.hide_in(f"bad key {KEY}!") == "bad key [API key]!"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f'"{KEY}"', "'\"'"),
        (f"'{KEY}'", '"\'"'),
        (f"\u201c{KEY}\u201d", "\u201c"),
        (f"Bearer {KEY}", "'Bearer'"),
        (f"Authorization: bearer {KEY}", "bearer"),
        (f"RIVYA_API_KEY={KEY}", "'RIVYA_API_KEY='"),
        ("$RIVYA_API_KEY", "'$'"),
    ],
)
def test_what_is_pasted_around_a_key(text: str, told: str) -> None:
    """It is named, the key isn't, and nothing is sent with it."""
    with pytest.raises(KeyRefused) as caught:
        Secret(text)
    assert told in caught.value.message and KEY not in caught.value.message


def test_secret_stays() -> None:
    """The key can't be pickled or copied."""
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(Secret(KEY))


@pytest.mark.parametrize("text", ["", "  ", "two words", "line\nbreak", "schlüssel", "tab\tbed", "nul\x00"])
def test_bad_key(text: str) -> None:
    """What no header can carry is refused before it is sent, and not repeated."""
    with pytest.raises(KeyRefused) as caught:
        Secret(text)
    assert caught.value.exit_code == 4
    assert not text.strip() or text not in str(caught.value)
