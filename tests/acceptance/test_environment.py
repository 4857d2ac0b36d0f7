"""Proxies and certificates that the environment sets: what can't be used ends every command that talks, at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from command_line import rivya_run

BOARD = "id: board\nshots:\n- {id: s1, prompt: A cup.}\n- {id: s2, prompt: A saucer.}\n"
ORIGIN = {"RIVYA_API_KEY": "rvya_sk_test", "RIVYA_BASE_URL": "https://api.example.invalid"}
BAD = [
    ("SSL_CERT_FILE", "/etc/ssl/none.pem"),
    ("SSL_CERT_FILE", "/etc"),
    ("SSL_CERT_FILE", "/dev/null"),
    ("SSL_CERT_DIR", "/etc/none"),
    ("ALL_PROXY", "socks://127.0.0.1:9"),
    ("all_proxy", "ftp://127.0.0.1:9"),
    ("HTTPS_PROXY", "http://proxy.corp:port"),
    ("https_proxy", "http://127.0.0.1:70000"),
    ("HTTP_PROXY", "http://"),
]


@pytest.fixture
def storyboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A storyboard of two shots in a folder of its own, with no setting of whoever runs the tests."""
    for name in ("all", "http", "https", "no"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "outputs").mkdir()
    path = tmp_path / "board.yaml"
    path.write_text(BOARD)
    monkeypatch.chdir(tmp_path)
    return path


@pytest.mark.parametrize(("variable", "value"), BAD)
def test_a_run_ends_before_anything_is_done(storyboard: Path, variable: str, value: str) -> None:
    """Exit code 2 with variable, value and cure; no folder, no journal, nothing that counts as sent."""
    result = rivya_run("run", storyboard, "--timeout", "5", **ORIGIN, **{variable: value})
    assert result.exit_code == 2, result.stderr
    assert variable in result.stderr and value in result.stderr and "hint:" in result.stderr
    assert list((storyboard.parent / "outputs").iterdir()) == []


@pytest.mark.parametrize(("variable", "value"), BAD)
def test_in_a_folder_that_is_there_nothing_is_intended(storyboard: Path, variable: str, value: str) -> None:
    """The state of the takes is what it was; a run in the same place with a good setting goes on."""
    first = rivya_run("run", storyboard, "--timeout", "1", **ORIGIN, HTTPS_PROXY="http://127.0.0.1:1")
    assert first.exit_code == 1
    before = [event for event in journal(storyboard) if event == "intended"]
    result = rivya_run("run", storyboard, "--timeout", "5", **ORIGIN, **{variable: value})
    assert result.exit_code == 2, result.stderr
    assert [event for event in journal(storyboard) if event == "intended"] == before


def journal(storyboard: Path) -> list[str]:
    """The names of the events on record."""
    lines = (storyboard.parent / "outputs" / "board" / "journal.jsonl").read_text().splitlines()
    return [json.loads(line)["event"] for line in lines]


@pytest.mark.parametrize(("variable", "value"), BAD)
def test_other_commands_that_talk_end_too(storyboard: Path, variable: str, value: str) -> None:
    """models sync and adopt."""
    commands: list[list[str | Path]] = [["models", "sync"], ["adopt", storyboard, "s1", "task_1"]]
    for words in commands:
        result = rivya_run(*words, **ORIGIN, **{variable: value})
        assert result.exit_code == 2, (words, result.stderr)
        assert variable in result.stderr


@pytest.mark.parametrize(("variable", "value"), BAD)
def test_what_does_not_talk_does_not_mind(storyboard: Path, variable: str, value: str) -> None:
    """validate, plan, and a simulated run."""
    commands: list[list[str | Path]] = [
        ["validate", storyboard],
        ["plan", storyboard],
        ["run", storyboard, "--simulate"],
    ]
    for words in commands:
        assert rivya_run(*words, **{variable: value}).exit_code == 0, words


def test_nothing_counts_as_sent_where_a_proxy_answers_with_garbage(storyboard: Path) -> None:
    """No take becomes unknown, however short the window: nothing left this machine."""
    settings = {**ORIGIN, "HTTPS_PROXY": "http://127.0.0.1:1"}
    for _ in range(2):
        result = rivya_run("run", storyboard, "--timeout", "1", "--idempotency-window", "0.1", **settings)
        assert result.exit_code == 1, result.stderr
        assert "unknown" not in result.stderr
        assert "through the proxy 127.0.0.1:1" in result.stderr
    assert "intent_withdrawn" in journal(storyboard) or "withdrawn" in journal(storyboard)


def test_what_can_not_be_read_of_no_proxy_is_told(storyboard: Path) -> None:
    """Once, by name, and the run goes its way."""
    settings = {**ORIGIN, "HTTPS_PROXY": "http://127.0.0.1:1", "NO_PROXY": "localhost,[::1,10.0.0.0/99"}
    result = rivya_run("run", storyboard, "--timeout", "1", **settings)
    assert result.exit_code == 1
    assert result.stderr.count("NO_PROXY") == 1
    assert "[::1, 10.0.0.0/99" in result.stderr
    synced = rivya_run("models", "sync", **{**settings, "NO_PROXY": "[::1,api.example.invalid"})
    assert "NO_PROXY" in synced.stderr
