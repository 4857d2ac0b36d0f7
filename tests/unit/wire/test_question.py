"""Requests as they are sent: what HTTP doesn't allow, and bodies of another length, never leave."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from rivya_run.wire.question import LocalProtocolError, Question, Timeouts

TIMEOUTS = Timeouts(1, 1, 1)


def question(
    *headers: tuple[bytes, bytes],
    method: bytes = b"GET",
    target: bytes = b"/x?y=1",
    body: bytes | AsyncIterator[bytes] = b"",
) -> Question:
    """A request."""
    return Question(method, target, list(headers), body, TIMEOUTS)


def test_head() -> None:
    """Request line and headers, as they were given."""
    asked = question((b"Host", b"localhost"), (b"X-Name", "\u00e9 x".encode()))
    assert asked.head() == b"GET /x?y=1 HTTP/1.1\r\nHost: localhost\r\nX-Name: \xc3\xa9 x\r\n\r\n"


@pytest.mark.parametrize("value", [b"a\r\nInjected: yes", b"a\nb", b"a\x00b", b"\x7f"])
def test_a_header_can_not_smuggle_another(value: bytes) -> None:
    """Nor end the head; the value, which may be the key, is not in the words."""
    with pytest.raises(LocalProtocolError, match="X-A") as refused:
        question((b"X-A", value)).head()
    assert value.decode("latin-1") not in str(refused.value)


@pytest.mark.parametrize("name", [b"", b"X A", b"X:A", b"X\r\n"])
def test_a_name_of_a_header_is_a_token(name: bytes) -> None:
    """RFC 9110, section 5.1."""
    with pytest.raises(LocalProtocolError):
        question((name, b"1")).head()


@pytest.mark.parametrize("target", [b"", b"/a b", b"/a\r\n", b"/\xe9"])
def test_a_target_has_no_blanks(target: bytes) -> None:
    """They would end it."""
    with pytest.raises(LocalProtocolError):
        question(target=target).head()


async def three() -> AsyncIterator[bytes]:
    """A body of six bytes in three pieces."""
    for piece in (b"ab", b"cd", b"ef"):
        yield piece


async def sent(asked: Question) -> bytes:
    """All pieces of its body."""
    return b"".join([piece async for piece in asked.pieces()])


def test_a_body_in_pieces() -> None:
    """As long as its header says."""
    asked = question((b"content-length", b"6"), body=three())
    assert anyio.run(sent, asked) == b"abcdef"


@pytest.mark.parametrize("headers", [[(b"Content-Length", b"5")], [(b"Content-Length", b"7")], []])
def test_a_body_of_another_length_is_an_error(headers: list[tuple[bytes, bytes]]) -> None:
    """A file that changes while it is uploaded."""
    with pytest.raises(LocalProtocolError):
        anyio.run(sent, question(*headers, body=three()))
