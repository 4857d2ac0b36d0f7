"""Answers as they come in: the same whatever pieces they come in, and an error where they are none."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rivya_run.wire.response import RemoteProtocolError, Response

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: 1\r\nx-a:  2 \r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-B: trailer\r\n\r\n"
TO_THE_END = b"HTTP/1.1 200 OK\r\n\r\nhello"
CLOSING_HINT = b"HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n" + PLAIN
HINTED = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + PLAIN
BARE = PLAIN.replace(b"\r\n", b"\n")
BOTH = CHUNKED.replace(b"OK\r\n", b"OK\r\nContent-Length: 99\r\n")
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"


def read(*pieces: bytes, end: bool = False) -> tuple[Response, bytes]:
    """The answer that so many pieces make, and its body."""
    response = Response()
    body = b""
    for piece in pieces:
        response.feed(piece)
        while got := response.take():
            body += got
    if end:
        response.end()
    return response, body


@pytest.mark.parametrize("raw", [PLAIN, CHUNKED, HINTED, CLOSING_HINT, BARE, BOTH])
@given(data=st.data())
def test_an_answer_is_the_same_in_any_pieces(raw: bytes, data: st.DataObject) -> None:
    """Split anywhere: head, body, and that the connection may be used again."""
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    pieces = [raw[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    response, body = read(*pieces)
    assert response.head is not None
    assert (response.head.status, body) == (200, b"hello")
    assert response.whole
    assert response.lasting


def test_headers_have_names_in_lower_case_and_join_their_values() -> None:
    """Whatever case they came in; blanks around a value are none of it."""
    response, _ = read(PLAIN)
    assert response.head is not None
    assert response.head.headers == {"content-length": "5", "x-a": "1, 2"}


@pytest.mark.parametrize("raw", [CHUNKED, HINTED])
def test_hints_and_trailers_are_no_headers(raw: bytes) -> None:
    """What came before the answer or after its body."""
    response, _ = read(raw)
    assert response.head is not None
    assert not {"link", "x-b"} & set(response.head.headers)


@pytest.mark.parametrize(
    "raw",
    [
        PLAIN.replace(b"1.1", b"1.0"),
        PLAIN.replace(b"X-A: 1", b"Connection: close"),
        PLAIN + b"and more than was promised",
        PLAIN + PLAIN,
    ],
)
def test_some_answers_are_the_last_of_their_connection(raw: bytes) -> None:
    """The server is old, or says so, or goes on talking."""
    response, body = read(raw)
    assert (body, response.whole, response.lasting) == (b"hello", True, False)


def test_more_that_comes_later_ends_a_connection_too() -> None:
    """After an answer that was whole."""
    response, body = read(PLAIN, PLAIN)
    assert (body, response.whole, response.lasting) == (b"hello", True, False)


def test_without_a_length_the_end_of_the_connection_is_the_end_of_the_body() -> None:
    """And not before."""
    response, body = read(TO_THE_END)
    assert not response.whole
    response.end()
    assert (body, response.whole, response.lasting) == (b"hello", True, False)


def test_an_answer_that_was_read_is_gone_at_once() -> None:
    """It and its parser don't wait for the garbage collector."""
    for raw in (PLAIN, CHUNKED, EMPTY):
        gc.collect()
        gc.disable()
        try:
            response, _ = read(raw)
            gone = weakref.ref(response)
            del response
            assert gone() is None
        finally:
            gc.enable()


def test_some_answers_have_no_body() -> None:
    """Whole with their head."""
    response, body = read(EMPTY)
    assert (body, response.whole, response.lasting) == (b"", True, True)


@pytest.mark.parametrize("raw", [b"", PLAIN[:9], PLAIN[:-1], CHUNKED[:-2], HINTED[:40]])
def test_an_answer_that_stops_is_an_error(raw: bytes) -> None:
    """Before its head, in it, or before the end of its body."""
    with pytest.raises(RemoteProtocolError, match="closed"):
        read(raw, end=True)


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 two OK\r\n\r\n",
        b"HTTP/1.1 099 Odd\r\nContent-Length: 5\r\n\r\nHELLO" + PLAIN,
        PLAIN.replace(b" 5", b" five"),
        PLAIN.replace(b" 5", b" 5\r\nContent-Length: 6"),
        CHUNKED.replace(b"\r\n2\r\n", b"\r\nq\r\n"),
        CHUNKED.replace(b"chunked", b"gzip, chunked"),
        CHUNKED.replace(b"chunked", b"chunked, identity"),
        b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n" * 10_000,
    ],
)
def test_what_is_no_answer_is_an_error(raw: bytes) -> None:
    """Another protocol, lengths that say nothing or two things, encodings nobody asked for, a head without end."""
    with pytest.raises(RemoteProtocolError):
        read(raw)


@given(raw=st.binary(max_size=200))
def test_no_bytes_are_any_other_error(raw: bytes) -> None:
    """Whatever comes is an answer, not yet one, or none."""
    try:
        read(raw, end=True)
    except RemoteProtocolError as error:
        assert str(error)
