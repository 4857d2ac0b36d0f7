"""The API's bodies, read tolerantly."""

from __future__ import annotations

import json

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from json_strategy import any_json
from rivya_run.journal.attempt import TaskStatus
from rivya_run.json_types import Json
from rivya_run.provider.exchange import read_json, text_of
from rivya_run.provider.origin import result_url, why_unsafe
from rivya_run.provider.rivya.answers import (
    error_code,
    read_credits,
    read_error,
    read_file,
    read_models,
    read_task,
)

CREATED: Json = {
    "id": "task_z_image_example",
    "status": "queued",
    "model": "z-image",
    "reserved_credits": 1,
    "final_credits": 0,
    "created_at": "2026-05-11T00:00:00.000Z",
    "updated_at": "2026-05-11T00:00:00.000Z",
    "result": None,
    "error": None,
}


def with_fields(**fields: Json) -> Json:
    assert isinstance(CREATED, dict)
    return {**CREATED, **fields}


def test_published_create_reply() -> None:
    """The published create reply is a queued task without error."""
    task = read_task(CREATED)
    assert task is not None
    assert (task.id, task.status, task.reserved_credits, task.error, task.urls) == (
        "task_z_image_example",
        TaskStatus.QUEUED,
        1,
        None,
        (),
    )


@pytest.mark.parametrize(
    ("result", "urls"),
    [
        (
            {"primary_url": "https://m/1", "urls": ["https://m/1", "https://m/2"]},
            ("https://m/1", "https://m/2"),
        ),
        (
            {"primary_url": "https://m/2", "urls": ["https://m/1", "https://m/2"]},
            ("https://m/2", "https://m/1"),
        ),
        ({"primary_url": "https://m/1"}, ("https://m/1",)),
        ({"primary_url": "https://m/0", "urls": ["https://m/1"]}, ("https://m/0", "https://m/1")),
        (
            {"urls": ["https://m/1", "https://m/1", 7, None, "", "data:x", "https://m/2"]},
            ("https://m/1", "https://m/2", "data:x"),
        ),
        ({"primary_url": None, "urls": None}, ()),
        ({"primary_url": None, "urls": ["https://m/2", "https://m/1"]}, ("https://m/2", "https://m/1")),
        (
            {
                "primary_url": "HTTPS://M/c lip",
                "urls": ["https://m/1", "https://m/c%20lip", "https://m/c lip "],
            },
            ("https://m/c%20lip", "https://m/1"),
        ),
        (
            {"urls": ["javascript:alert(1)", "https://m/\n1", "https://m/\ud800"]},
            ("https://m/%0A1", "https://m/%EF%BF%BD", "javascript:alert(1)"),
        ),
        ("https://m/1", ()),
        ([], ()),
    ],
)
def test_urls(result: Json, urls: tuple[str, ...]) -> None:
    """The primary URL comes first, what can't be fetched last, each once; what is no text is left out."""
    task = read_task(with_fields(status="succeeded", result=result))
    assert task is not None and task.urls == urls


@pytest.mark.parametrize(
    ("status", "known"),
    [
        ("processing", TaskStatus.PROCESSING),
        ("SUCCEEDED", TaskStatus.SUCCEEDED),
        ("moderating", TaskStatus.OTHER),
        ("other", TaskStatus.OTHER),
        (None, TaskStatus.OTHER),
        (3, TaskStatus.OTHER),
    ],
)
def test_status(status: Json, known: TaskStatus) -> None:
    """A status that nobody knows is waited on."""
    task = read_task(with_fields(status=status))
    assert task is not None and task.status is known


@pytest.mark.parametrize("bad", ["", " ", "..", "a\nb", "x" * 513, None, True, ["a"], "\ud800"])
def test_id_that_is_none(bad: Json) -> None:
    """A create reply without an id that can stand in a path holds no task."""
    assert read_task(with_fields(id=bad)) is None


def test_status_reply_of_the_task_asked_for() -> None:
    """A status reply may leave its id out but not name another task or no status."""
    found = read_task({"status": "queued"}, asked_for="t1")
    assert found is not None and found.id == "t1"
    assert read_task({"id": "t2", "status": "queued"}, asked_for="t1") is None
    assert read_task({"id": "t1"}, asked_for="t1") is None


def test_wrapped_task_and_numbers_as_text() -> None:
    """A task inside ``data`` is found, ids and credits are taken as numbers or text, wrong ones are unknown."""
    task = read_task(
        {"data": {"id": 17, "status": "queued", "reserved_credits": "2.5", "final_credits": "-1"}}
    )
    assert task is not None
    assert (task.id, task.reserved_credits, task.final_credits) == ("17", 2.5, None)
    odd: Json
    for odd in (True, "nan", "inf", [], {}, "1e999"):
        task = read_task(with_fields(reserved_credits=odd))
        assert task is not None and task.reserved_credits is None


def test_error_inside_a_task() -> None:
    """A failed task's error has no request id; text instead of an object is its message."""
    task = read_task(with_fields(status="failed", error={"code": "generation_failed", "message": "No."}))
    assert task is not None and task.error is not None
    assert (task.error.code, task.error.message, task.error.request_id) == ("generation_failed", "No.", None)
    task = read_task(with_fields(status="failed", error="too bad"))
    assert task is not None and task.error is not None and task.error.message == "too bad"


def test_http_error() -> None:
    """Code, message and request id come from the published body, else from what there is."""
    body: Json = {"error": {"code": "rate_limited", "message": "Slow down.", "requestId": "req_1"}}
    error = read_error(body, status=429, excerpt="", request_id="header")
    assert (error.code, error.message, error.request_id, error.http_status) == (
        "rate_limited",
        "Slow down.",
        "req_1",
        429,
    )
    page = read_error(None, status=502, excerpt="<h1>Bad gateway</h1>", request_id="header")
    assert (page.code, page.message, page.request_id) == ("http_502", "<h1>Bad gateway</h1>", "header")
    assert read_error({"error": "nope"}, status=400, excerpt="", request_id=None).message == "nope"
    assert read_error({"code": "x", "message": "y"}, status=400, excerpt="", request_id=None).code == "x"
    assert "500" in read_error(None, status=500, excerpt="", request_id=None).message


@pytest.mark.parametrize(
    "body",
    [
        {"id": "file_1", "url": "https://u/1", "duration_token": "tok", "mime_type": "image/png"},
        {
            "file": {
                "file_id": "file_1",
                "url": "https://u/1",
                "durationToken": "tok",
                "mimeType": "image/png",
            }
        },
        {
            "data": {
                "fileId": "file_1",
                "url": "https://u/1",
                "duration_token": "tok",
                "content_type": "image/png",
            }
        },
    ],
)
def test_upload_reply(body: Json) -> None:
    """An upload reply is read in either spelling, bare or wrapped."""
    found = read_file(body)
    assert found is not None
    assert (found.url, found.file_id, found.duration_token, found.mime_type) == (
        "https://u/1",
        "file_1",
        "tok",
        "image/png",
    )


def test_upload_reply_without_url() -> None:
    """Only the URL must be there."""
    assert read_file({"id": "file_1"}) is None
    found = read_file({"url": "https://u/1"})
    assert found is not None and found.file_id is None


def test_credits_and_models() -> None:
    """The balance is a number, the list of models leaves out what has no id."""
    assert read_credits({"current_credits": 123}) == 123
    assert read_credits({"current_credits": "12"}) == 12
    assert read_credits({"credits": 1}) is None
    found = read_models({"object": "list", "data": [{"id": "z-image", "base_credits": 1}, {"id": None}, 7]})
    assert found is not None and [model.id for model in found] == ["z-image"]
    assert read_models({"data": None}) is None


@given(any_json)
def test_any_json(body: Json) -> None:
    """Any JSON gives values that can be written as UTF-8, never an exception."""
    for task in (read_task(body), read_task(body, asked_for="t")):
        if task is not None:
            repr(task).encode()
    read_file(body), read_credits(body), read_models(body), error_code(body)
    read_error(body, status=500, excerpt="x", request_id=None).message.encode()


@given(any_json, any_json)
def test_any_envelope(before: Json, after: Json) -> None:
    """Whatever an envelope holds beside it, a whole task inside is found, or none: never another one."""
    body: Json = {"meta": before, "status": "success", "id": "req_1", "data": CREATED, "note": after}
    task = read_task(body)
    assert task is not None and task.id == "task_z_image_example"
    found = read_task({"data": CREATED, "result": before})
    assert found is None or found.id == "task_z_image_example" or "id" in str(before)


@given(st.binary(max_size=200), st.sampled_from(["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-32-be"]))
def test_any_bytes(raw: bytes, encoding: str) -> None:
    """Any bytes are text, and JSON or none; what was written in an encoding of Unicode comes back."""
    read_json(text_of(raw))
    text = json.dumps({"id": raw.decode("latin-1")}, ensure_ascii=False)
    assert read_json(text_of(text.encode(encoding))) == {"id": raw.decode("latin-1")}


@given(
    st.text(max_size=200), st.sampled_from(["", "https://m/", "HTTP://127.0.0.1:8/", "//m/", "/", "data:"])
)
def test_any_url(text: str, start: str) -> None:
    """Any text becomes printable ASCII; done twice it is the same; what may be fetched can be asked for."""
    url = result_url(start + text, "https://api.example/api/v1/generations/t")
    assert url.isascii() and url.isprintable() and " " not in url
    if why_unsafe(url) is None:
        assert result_url(url, "https://api.example/") == url
        assert httpx2.Request("GET", url).url.raw_host
