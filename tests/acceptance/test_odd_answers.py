"""An API that says what it has to say in unusual ways: what was paid for is understood, fetched and told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from command_line import rivya_run
from odd_api import Body, OddApi, odd_api, picture, utf8
from simulation import KEY


def one(url: str) -> Any:
    """Results of one URL, in which ``{o}`` is the origin, and ``{p}`` its port."""

    def results(origin: str) -> dict[str, Any]:
        told = url.replace("{o}", origin).replace("{p}", origin.rpartition(":")[2])
        return {"primary_url": told, "urls": [told]}

    return results


def well(api: OddApi) -> None:
    """One task was made and paid, its clip is here, and a rerun has nothing to do."""
    api.board()
    result = api.go()
    assert result.exit_code == 0, result.output
    assert len(api.clips()) == 1 and api.clips()[0].startswith(b"\x89PNG")
    assert api.take()["status"] == "succeeded" and api.take()["error"] is None
    assert api.go().exit_code == 0 and len(api.tasks) == 1
    assert api.leaked == []


# How a URL of a result may be written


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("{o}/r/final cut.mp4", "/r/final%20cut.mp4"),
        ("{o}/r/1.mp4?name=final cut.mp4", "/r/1.mp4?name=final%20cut.mp4"),
        ("{o}/r/final\tcut.mp4", "/r/final%09cut.mp4"),
        ("{o}/r/final\r\ncut.mp4", "/r/final%0D%0Acut.mp4"),
        ("{o}/r/final\u00a0cut.mp4", "/r/final%C2%A0cut.mp4"),
        ("{o}/r/\x01\x7f\x85.mp4", "/r/%01%7F%C2%85.mp4"),
        ("{o}/r/Schlüssel 界.mp4?q=ü", "/r/Schl%C3%BCssel%20%E7%95%8C.mp4?q=%C3%BC"),
        ("{o}/r/final%20cut%2F.mp4", "/r/final%20cut%2F.mp4"),
        ("{o}/r/100%.mp4", "/r/100%25.mp4"),
        ('{o}/r/"<{|}>\\^`.mp4', "/r/%22%3C%7B%7C%7D%3E%5C%5E%60.mp4"),
        ("{o}/r/1.mp4#t=3", "/r/1.mp4"),
        (" \t\n\u00a0{o}/r/1.mp4\u00a0\n", "/r/1.mp4"),
        ("HTTP://127.0.0.1:{p}/r/1.mp4", "/r/1.mp4"),
        ("hTTp://LocalHost:{p}/r/1.mp4", "/r/1.mp4"),
        ("//127.0.0.1:{p}/r/1.mp4", "/r/1.mp4"),
        ("/r/1.mp4?x=1", "/r/1.mp4?x=1"),
        ("1.mp4", "/api/v1/generations/1.mp4"),
        ("./a b/1.mp4", "/api/v1/generations/a%20b/1.mp4"),
        ("../../../r/1.mp4", "/r/1.mp4"),
        ("http://ｌｏｃａｌｈｏｓｔ:{p}/r/1.mp4", "/r/1.mp4"),
    ],
)
def test_a_url_that_a_browser_would_open_is_fetched(tmp_path: Path, url: str, asked: str) -> None:
    """Illegal letters are quoted, relative URLs go by the task's own, and none gets the key."""
    with odd_api(tmp_path, results=one(url)) as api:
        well(api)
        assert api.seen == [asked]


@pytest.mark.parametrize(
    ("url", "told", "why"),
    [
        ("data:video/mp4;base64," + "A" * 100_000, "data:video/mp4;base64,AAAA", "data: can't be fetched"),
        ("ftp://media.example/1.mp4", "ftp://media.example/1.mp4", "ftp: can't be fetched"),
        ("s3://bucket/1 2.mp4", "s3://bucket/1%202.mp4", "s3: can't be fetched"),
        ("{o}/r/" + "x" * 9000, "/r/xxxx", "longer than 8,192"),
        ("http://media.example/1.mp4", "http://media.example/1.mp4", "plain http"),
        ("http:///1.mp4", "http:///1.mp4", "no host"),
        ("https://ex ample.com/1.mp4", "https://ex%20ample.com/1.mp4", "no host"),
        ("https://a:b@media.example/1.mp4", "a:b@media.example", "user name"),
        ("https://[::1/1.mp4", "https://[::1/1.mp4", "not a URL"),
        ("javascript:alert(1)\x1b[31m!", "javascript:alert(1)%1B[31m!", "javascript:"),
    ],
)
def test_a_url_that_can_not_be_fetched_is_told(tmp_path: Path, url: str, told: str, why: str) -> None:
    """Paid, not fetched: exit code 1, everywhere with the URL; each run asks again, none pays again."""
    with odd_api(tmp_path, results=one(url)) as api:
        api.board()
        result = api.go(timeout=3)
        assert result.exit_code == 1
        for where in (result.output, api.take()["error"]["message"], api.go(command="plan").output):
            assert told in where and why in where
            assert "A" * 200 not in where and "\x1b[31m" not in where
        assert api.take()["error"]["code"] == "not_fetched" and api.take()["final_credits"] == 10
        for words in (result.output, api.go(command="plan").output, api.go(command="status").output):
            assert "paid, not fetched" in words and "still running" not in words
        asked = api.asked["task"]
        api.results = one("{o}/r/1.mp4")
        assert api.go().exit_code == 0
        assert api.asked["task"] > asked and len(api.tasks) == 1
        assert api.take()["status"] == "succeeded" and api.take()["error"] is None


def test_what_can_be_had_is_stored_beside_what_can_not(tmp_path: Path) -> None:
    """The clip is here under its number, whatever place the other URL has, also when that is mended later."""

    def results(origin: str) -> dict[str, Any]:
        return {"primary_url": None, "urls": ["ftp://media.example/a.mp4", f"{origin}/r/b.mp4"]}

    with odd_api(tmp_path, results=results) as api:
        api.board()
        assert api.go(timeout=2).exit_code == 1
        assert api.clips() == [picture("/r/b.mp4")]
        first = api.take()["outputs"][0]
        api.results = lambda origin: {"urls": [f"{origin}/r/a.mp4", f"{origin}/r/b.mp4"]}
        assert api.go().exit_code == 0
        assert api.clips() == [picture("/r/b.mp4"), picture("/r/a.mp4")]
        assert api.take()["outputs"][0] == first and len(api.tasks) == 1


def test_a_task_that_succeeded_and_names_no_file_is_not_called_running(tmp_path: Path) -> None:
    """Exit code 1 and paid; when the API names the file later, it is fetched."""
    with odd_api(tmp_path, results=lambda origin: {"primary_url": None, "urls": []}) as api:
        api.board()
        result = api.go(timeout=0.5)
        assert result.exit_code == 1
        assert "names no file" in result.output and "still running" not in result.output
        api.results = one("{o}/r/1.mp4")
        assert api.go().exit_code == 0 and len(api.tasks) == 1


# How an answer may be encoded


@pytest.mark.parametrize(
    "encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_json_in_any_encoding_of_unicode(tmp_path: Path, encoding: str) -> None:
    """A byte order mark or UTF-16 and UTF-32 without one: every answer is read, uploads and credits included."""
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    with odd_api(tmp_path, encode=lambda text: text.encode(encoding)) as api:
        api.board(more=", references: [a.png]")
        assert api.go("--max-credits", "50").exit_code == 0
        assert api.take()["request"]["params"]["referenceMediaItems"][0]["url"] == f"{api.origin}/up/1.png"
        assert len(api.tasks) == api.asked["file"] == 1


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("code", ["insufficient_credits", "validation_failed"])
def test_an_error_with_a_byte_order_mark_is_understood(tmp_path: Path, code: str) -> None:
    """Its code counts as ever."""
    error: Body = {"error": {"code": code, "message": "No.", "requestId": "req_1"}}
    with odd_api(
        tmp_path, refuse=lambda what, turn: (400, error), encode=lambda text: text.encode("utf-16")
    ) as api:
        api.board()
        assert api.go(timeout=3).exit_code == (5 if code == "insufficient_credits" else 1)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "raw", [b"\xff\xfe\xfd", b"\x00", b"\xfc\xe4{", b"\xef\xbb\xbf", b"\xff\xfe{\x00\x01", b""]
)
def test_bytes_that_are_no_text(tmp_path: Path, raw: bytes) -> None:
    """Garbage in place of a create's answer may have been paid for: sent again with its key, paid once."""
    with odd_api(tmp_path) as api:
        api.encode = lambda text: raw if len(api.keys_sent) < 3 else utf8(text)
        api.board()
        assert api.go().exit_code == 0
        assert len(api.tasks) == 1 and len(set(api.keys_sent)) == 1 < len(api.keys_sent)


def test_latin_1(tmp_path: Path) -> None:
    """Letters that are no UTF-8 spoil a word and nothing else."""

    def wrap(what: str, body: dict[str, Any]) -> Body:
        return {**body, "note": "für"}

    with odd_api(tmp_path, wrap=wrap, encode=lambda text: text.encode("latin-1")) as api:
        well(api)


# How an answer may be wrapped

ENVELOPES: dict[str, Any] = {
    "status": lambda body: {"status": "success", "data": body},
    "id": lambda body: {"id": "req_1", "data": body},
    "id-of-any-kind": lambda body: {
        "id": "7f3a",
        "status": "ok",
        "created_at": "now",
        "error": None,
        "data": body,
    },
    "published-status": lambda body: {"id": "7f3a", "status": "queued", "data": body},
    "result": lambda body: {"success": True, "result": body},
    "list": lambda body: [body],
    "list-in-data": lambda body: {"code": 0, "data": [body]},
    "deep": lambda body: {"status": "succeeded", "data": {"id": "req_9", "response": {"task": body}}},
}


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
def test_a_wrapped_answer(tmp_path: Path, envelope: Any) -> None:
    """The object that looks like a task is the task; uploads and credits are found as well."""
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    with odd_api(tmp_path, wrap=lambda what, body: envelope(body)) as api:
        api.board(more=", references: [a.png]")
        assert api.go(timeout=10).exit_code == 0
        assert api.take()["task_id"] == "task_1" and len(api.keys_sent) == 1
        assert api.take()["request"]["params"]["referenceMediaItems"][0]["url"] == f"{api.origin}/up/1.png"


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "odd",
    [
        {"id": "a", "data": {"id": "b"}},
        {"id": "a", "status": "queued", "data": {"id": "b", "status": "queued"}},
        {"data": [{"id": "a", "status": "queued"}, {"id": "b", "status": "queued"}]},
        {"id": "req_1", "status": "queued"},
        {"id": "req_1"},
        {"success": True, "user": {"id": "u_1", "status": "processing"}},
        {"id": "7f3a", "status": "error", "error": {"code": "validation_failed"}},
    ],
)
def test_an_answer_that_may_mean_several_tasks(tmp_path: Path, odd: Body) -> None:
    """No id is guessed: the create may have arrived, is sent again with its key, and paid once."""
    with odd_api(tmp_path) as api:
        api.wrap = lambda what, body: odd if what == "create" and len(api.keys_sent) < 3 else body
        api.board()
        assert api.go().exit_code == 0
        assert api.take()["task_id"] == "task_1" and len(set(api.keys_sent)) == 1


# An error with the status of a success


def error(code: str, **more: Any) -> dict[str, Any]:
    """An error body."""
    return {"error": {"code": code, "message": "Words of the API.", "requestId": "req_1"}, **more}


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [
        ("validation_failed", 1),
        ("insufficient_credits", 5),
        ("api_key_revoked", 4),
        ("api_scope_denied", 4),
    ],
)
def test_a_create_that_was_surely_turned_away(tmp_path: Path, code: str, exit_code: int) -> None:
    """The codes that say so are answers, as with their own status: one sending, nothing is left open."""
    with odd_api(tmp_path, refuse=lambda what, turn: (200, error(code)) if what == "create" else None) as api:
        api.board()
        result = api.go()
        assert result.exit_code == exit_code, result.output
        assert len(api.keys_sent) == 1
        assert "Words of the API." in result.output or exit_code == 5


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    "code", ["generation_failed", "internal", "not_found", "idempotency_conflict", "moderated"]
)
def test_a_create_whose_effect_is_left_open(tmp_path: Path, code: str) -> None:
    """It may have been made: never a failure, sent again with its key alone, and paid once."""
    with odd_api(tmp_path) as api:
        api.wrap = lambda what, body: error(code) if what == "create" else body
        api.board()
        assert api.go(timeout=0.4).exit_code in {1, 6}
        assert api.take()["status"] in {"sent", "unknown"}
        assert len(set(api.keys_sent)) == 1 < len(api.keys_sent)
        api.wrap = lambda what, body: body
        if api.take()["status"] == "sent":
            assert api.go().exit_code == 0
        assert len(api.tasks) == 1


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("code", ["validation_failed", "quota_odd"])
def test_a_poll_that_is_answered_with_an_error_is_not_repeated_for_ever(tmp_path: Path, code: str) -> None:
    """As with a 4xx the take is left for the next run, with the API's words."""
    with odd_api(tmp_path, refuse=lambda what, turn: (200, error(code)) if what == "task" else None) as api:
        api.board()
        result = api.go(timeout=60)
        assert result.exit_code == 1 and api.asked["task"] <= 3
        assert "Words of the API." in result.output
        api.refuse = lambda what, turn: None
        assert api.go().exit_code == 0 and len(api.tasks) == 1


def test_an_upload_and_the_credits_that_are_answered_with_an_error(tmp_path: Path) -> None:
    """An upload is refused at once, the balance is not known; nothing is created."""
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 64)
    with odd_api(tmp_path, refuse=lambda what, turn: (200, error("validation_failed"))) as api:
        api.board(more=", references: [a.png]")
        result = api.go(timeout=60)
        assert result.exit_code == 1 and "Words of the API." in result.output
        assert (api.asked["file"], api.asked["create"]) == (1, 0)


# A file that comes later than its URL


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("status", [404, 403, 400, 202])
def test_a_file_that_comes_later_than_its_url(tmp_path: Path, status: int) -> None:
    """It is waited for as long as a take may last, and the task is asked for fresh URLs meanwhile."""
    with odd_api(
        tmp_path, media=lambda path, turn: (status, b"") if turn < 9 else (200, picture(path))
    ) as api:
        well_after = api.asked["task"]
        api.board()
        assert api.go(timeout=60).exit_code == 0
        assert len(api.seen) == 9 and api.asked["task"] > well_after + 5
        assert len(api.tasks) == 1


@pytest.mark.usefixtures("hasty")
def test_a_file_that_does_not_come(tmp_path: Path) -> None:
    """Paid, not fetched: what came from which host, how often, since when; nothing is guessed of why."""
    with odd_api(tmp_path, media=lambda path, turn: (404, b"")) as api:
        api.board()
        result = api.go(timeout=1)
        assert result.exit_code == 1
        for words in (result.output, api.go(command="plan").output):
            assert "paid, not fetched: HTTP 404 from 127.0.0.1" in words
            assert "times since 20" in words and "expired" not in words
        assert api.go(timeout=0.2).exit_code == 1 and len(api.tasks) == 1
        api.media = lambda path, turn: (200, picture(path))
        assert api.go().exit_code == 0


@pytest.mark.usefixtures("hasty")
def test_a_file_that_does_not_come_holds_up_no_other(tmp_path: Path) -> None:
    """Twenty takes whose files aren't there yet wait outside of the places among the downloads."""
    late = [f"s{number:02}" for number in range(20)]

    def results(origin: str) -> dict[str, Any]:
        return {"urls": [f"{origin}/r/{len(api.seen)}.mp4"]}

    with odd_api(tmp_path, results=results) as api:
        api.media = lambda path, turn: (404, b"") if len(api.seen) < 60 else (200, picture(path))
        api.board(*late)
        assert api.go("--concurrency", "20", timeout=60).exit_code == 0
        assert len(api.tasks) == 20


# Which of several files is the first


def several(*names: str, primary: str | None) -> Any:
    """Results with these files."""
    return lambda origin: {
        "primary_url": primary and f"{origin}/r/{primary}",
        "urls": [f"{origin}/r/{name}" for name in names],
    }


@pytest.mark.parametrize(
    ("results", "order"),
    [
        (several("t.jpg", "c.mp4", primary="c.mp4"), ["c.mp4", "t.jpg"]),
        (several("t.jpg", "u.jpg", "c.mp4", primary="c.mp4"), ["c.mp4", "t.jpg", "u.jpg"]),
        (several("t.jpg", "c.mp4", primary=None), ["t.jpg", "c.mp4"]),
        (several("t.jpg", primary="c.mp4"), ["c.mp4", "t.jpg"]),
        (several("t.jpg", "c.mp4", "t.jpg", "c.mp4", primary="c.mp4"), ["c.mp4", "t.jpg"]),
        (several(primary="c.mp4"), ["c.mp4"]),
    ],
)
def test_the_primary_file_is_the_first_output(tmp_path: Path, results: Any, order: list[str]) -> None:
    """Whatever its place in the list, each file once; a file that went missing comes back under its own number."""
    with odd_api(tmp_path, results=results) as api:
        api.board()
        assert api.go().exit_code == 0
        assert [output["url"].rpartition("/")[2] for output in api.take()["outputs"]] == order
        before = api.take()["outputs"]
        for output in before:
            (tmp_path / "outputs/board" / output["path"]).unlink()
            assert api.go().exit_code == 0
        assert api.take()["outputs"] == before and len(api.tasks) == 1


def test_a_clone_fetches_each_file_under_its_own_number(tmp_path: Path) -> None:
    """From the manifest alone, as a colleague has it."""
    with odd_api(tmp_path, results=several("t.jpg", "c.mp4", primary="c.mp4")) as api:
        api.board()
        assert api.go().exit_code == 0
        before = api.take()["outputs"]
        for path in sorted((tmp_path / "outputs/board").rglob("*"), reverse=True):
            if path.is_file() and path.name != "manifest.json":
                path.unlink()
        assert api.go().exit_code == 0
        assert api.take()["outputs"] == before and len(api.tasks) == 1


# Answers that are not the API's, and those that come too late

PAGE = "<html><title>Attention Required!</title>Sorry, you have been blocked.</html>"


def test_the_words_that_follow_a_lost_answer_are_kept(tmp_path: Path) -> None:
    """A refusal doesn't settle a create that may have arrived before, but a person reads what was said."""
    told = {"error": {"code": "validation_failed", "message": "Refused by moderation.", "requestId": "req_9"}}

    def refuse(what: str, turn: int) -> tuple[int, Body] | None:
        return (500 if turn == 1 else 400, told) if what == "create" else None

    with odd_api(tmp_path, refuse=refuse) as api:
        api.board()
        words = "Refused by moderation. [validation_failed, request req_9]"
        result = api.go()
        assert result.exit_code == 1 and words in " ".join(result.output.split())
        assert api.take()["status"] == "sent" and api.take()["error"]["request_id"] == "req_9"
        result = api.go("--idempotency-window", "0.01")
        assert result.exit_code == 6 and "Refused by moderation. [validation_failed]" in result.output
        assert api.take()["error"]["code"] == "no_answer" and api.take()["error"]["request_id"] == "req_9"


def test_a_redirect_to_a_login_page_is_told(tmp_path: Path) -> None:
    """Nobody can tell what became of the create, but what came back is on record."""
    with odd_api(tmp_path, refuse=lambda what, turn: (302, PAGE) if what == "create" else None) as api:
        api.board()
        result = api.go()
        assert result.exit_code == 1 and "a redirect" in result.output
        assert "a redirect" in api.take()["error"]["message"]


@pytest.mark.parametrize("tail", ["/api/v1", "/api/v1/", "/"])
def test_a_base_url_as_other_programs_want_it(tmp_path: Path, tail: str) -> None:
    """What it says twice is dropped, and a run with the plain one goes on in the same folder."""
    with odd_api(tmp_path) as api:
        origin, api.origin = api.origin, api.origin + tail
        api.board("s1")
        assert api.go().exit_code == 0
        api.origin = origin
        well(api)


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("body", [PAGE, {"detail": "Not Found"}])
def test_a_wrong_address_is_no_failed_take(tmp_path: Path, status: int, body: Body) -> None:
    """The run ends and names the variable; with the right address nothing stands in the way."""
    with odd_api(tmp_path, refuse=lambda what, turn: (status, body)) as api:
        api.board("s1", "s2")
        for _ in range(4):
            result = api.go()
            assert result.exit_code == 2 and "RIVYA_BASE_URL" in result.output, result.output
        api.refuse = lambda what, turn: None
        api.board()
        well(api)


def test_a_firewall_that_minds_one_prompt(tmp_path: Path) -> None:
    """Its page with 403 is that take's failure, with its words, and no word on the key: the others are made."""

    def refuse(what: str, turn: int) -> tuple[int, Body] | None:
        return (403, PAGE) if what == "create" and turn == 1 else None

    with odd_api(tmp_path, refuse=refuse) as api:
        api.board("s1", "s2", "s3")
        result = api.go("--concurrency", "1", "--attempts", "1")
        assert result.exit_code == 1 and len(api.tasks) == 2
        assert "you have been blocked" in result.output and "the key" not in result.output
        assert api.go().exit_code == 0 and len(api.tasks) == 3


def test_a_firewall_that_minds_questions(tmp_path: Path) -> None:
    """Its page isn't how a task is: what was paid for is asked for again."""
    with odd_api(tmp_path, status="queued") as api:
        api.board()
        api.refuse = lambda what, turn: (403, PAGE) if what == "task" else None
        result = api.go(timeout=2)
        assert result.exit_code == 1 and "blocked" in result.output
        api.refuse, api.status = lambda what, turn: None, "succeeded"
        well(api)


def test_a_picture_that_is_too_large_for_the_next_model(tmp_path: Path) -> None:
    """Its table says so: told with both figures before anything is sent, by every run."""
    large = picture("x" * 11 * 1024 * 1024)

    def made(what: str, body: dict[str, Any]) -> Body:
        return body | {"model": "nano-banana-pro"} if what in ("create", "task") else body

    with odd_api(tmp_path, wrap=made, media=lambda path, turn: (200, large)) as api:
        (tmp_path / "outputs").mkdir()
        (tmp_path / "board.yaml").write_text(
            "id: board\nshots:\n- {id: key, model: nano-banana-pro, prompt: A still}\n"
            "- {id: s2, prompt: A clip, references: [{shot: key}]}\n",
            encoding="utf-8",
        )
        for _ in range(2):
            result = api.go()
            words = " ".join(result.output.split())
            assert result.exit_code == 1 and "grok-imagine-video takes image files up to 10 MB" in words
            assert f"is 11 MB ({len(large)} bytes)" in words and "not sent" in words
        assert api.asked["file"] == 0 and len(api.tasks) == 1


# Words that were never published


@pytest.mark.parametrize("status", ["completed", "complete", "success", "COMPLETED", "done"])
def test_files_say_that_a_task_succeeded(tmp_path: Path, status: str) -> None:
    """Whatever the API calls it, what it gives is fetched."""

    def wrap(what: str, body: dict[str, Any]) -> Body:
        return body | {"status": status} if what == "task" else body

    with odd_api(tmp_path, wrap=wrap) as api:
        well(api)


@pytest.mark.parametrize("status", ["cancelled", "canceled", "timed-out", "Expired"])
def test_an_error_says_that_a_task_ended(tmp_path: Path, status: str) -> None:
    """It failed with what the API says, and isn't still running."""

    def wrap(what: str, body: dict[str, Any]) -> Body:
        error = {"code": "cancelled", "message": "Cancelled by an operator."}
        ended = {"status": status, "result": None, "final_credits": 0, "error": error}
        return body | ended if what == "task" else body

    with odd_api(tmp_path, wrap=wrap) as api:
        api.board()
        result = api.go("--attempts", "1")
        assert result.exit_code == 1 and "Cancelled by an operator." in result.output
        assert api.take()["status"] == "failed"


@pytest.mark.parametrize(("status", "error"), [("cancelled", None), ("provider_retry", {"message": "busy"})])
def test_a_word_that_tells_nothing_is_shown(tmp_path: Path, status: str, error: Any) -> None:
    """Neither a file nor an end: nothing is paid again, and the API's own word stands in the summary."""

    def wrap(what: str, body: dict[str, Any]) -> Body:
        return body | {"status": status, "result": None, "error": error} if what == "task" else body

    with odd_api(tmp_path, wrap=wrap) as api:
        api.board()
        for _ in range(2):
            result = api.go(timeout=1)
            assert result.exit_code == 1 and f"the API calls its task '{status}'" in result.output
            assert "still running" not in result.output and len(api.tasks) == 1


@pytest.mark.parametrize(
    ("pointer", "cure"),
    [
        ("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull"),
        ("/annex/objects/SHA256E-s1--4d7a.json\n", "git annex get manifest.json"),
    ],
)
def test_a_pointer_in_place_of_a_manifest(tmp_path: Path, pointer: str, cure: str) -> None:
    """What git keeps elsewhere is fetched first: without it, nobody knows what was paid for."""
    with odd_api(tmp_path) as api:
        api.board()
        (tmp_path / "outputs/board").mkdir()
        (tmp_path / "outputs/board/manifest.json").write_text(pointer, encoding="utf-8")
        for command in ("run", "plan", "status"):
            result = rivya_run(command, tmp_path / "board.yaml", RIVYA_API_KEY=KEY, RIVYA_BASE_URL=api.origin)
            assert result.exit_code == 7 and f"fetch it: {cure}" in result.stderr
        assert api.tasks == {}


def test_too_many_open_files(tmp_path: Path) -> None:
    """The limit of the system is named, and where to raise it."""
    resource = pytest.importorskip("resource")
    with odd_api(tmp_path) as api:
        api.board(*(f"s{number}" for number in range(30)))
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        program = (
            "import resource, sys; from rivya_run.__main__ import main\n"
            f"resource.setrlimit(resource.RLIMIT_NOFILE, (24, {limits[1]}))\nsys.exit(main())"
        )
        words = ["run", str(tmp_path / "board.yaml"), "--poll-interval", "0.02", "--timeout", "3"]
        done = subprocess.run(
            [sys.executable, "-c", program, *words, "--concurrency", "30"],
            capture_output=True,
            text=True,
            env={**os.environ, "RIVYA_API_KEY": KEY, "RIVYA_BASE_URL": api.origin},
        )
        said = done.stdout + done.stderr
        assert "Traceback" not in said and "internal error" not in said, said
        assert done.returncode in (0, 1, 7) and (done.returncode == 0 or "ulimit -n" in said), said
        assert api.go().exit_code == 0 and len(api.tasks) == 30


def test_verify_in_a_clone_whose_history_lies_elsewhere(tmp_path: Path) -> None:
    """What no present take uses, and was never fetched here, isn't missed; what was fetched here is."""
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.mkdir()
    (theirs / "outputs/board").mkdir(parents=True)
    with odd_api(ours) as api:
        board = api.board("s1")
        assert api.go().exit_code == 0
        board.write_text(board.read_text().replace("A s1", "B s1"))
        assert api.go().exit_code == 0
        for name in ("board.yaml", "outputs/board/manifest.json"):
            (theirs / name).write_bytes((ours / name).read_bytes())
        api.root = theirs
        assert "1 missing" in api.go(command="verify").output
        assert api.go().exit_code == 0 and len(api.tasks) == 2
        assert api.go(command="verify").exit_code == 0
        api.root = ours
        past = [
            path
            for path in (ours / "outputs/board/s1").iterdir()
            if path.name not in str(api.take()["outputs"])
        ]
        past[0].unlink()
        result = api.go(command="verify")
        assert result.exit_code == 1 and "of a take that no shot uses any more" in result.output
