"""What lies in ``deploy/`` names commands and settings that there are."""

from __future__ import annotations

import ast
import configparser
import re
import shlex
import tomllib
from collections.abc import Iterable
from typing import Any

import click
import pytest
import yaml

from pages import ROOT
from rivya_run.cli.app import COMMANDS, load
from rivya_run.cli.options import variables

DEPLOY = ROOT / "deploy"
OURS = ("init", "worker")
"""The services that are built from this repository."""


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return document


def parsed(words: list[str], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a command understands of its words, where the environment says which database."""
    monkeypatch.setenv("RIVYA_RUN_DATABASE", "postgresql://localhost/films")
    command = load(words.pop(0))
    if isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    return command.make_context(command.name, words).params


def unknown(names: Iterable[str]) -> set[str]:
    """Those of our variables that no command hears."""
    known = {name for command in COMMANDS for name in variables(load(command))} | {"RIVYA_API_KEY"}
    return {name for name in names if name.startswith("RIVYA")} - known


@pytest.mark.parametrize("name", OURS)
def test_compose_starts_what_there_is(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands, options and variables; the image is built from what is here."""
    service = compose()["services"][name]
    params = parsed(list(service["command"]), monkeypatch)
    assert params["database"] == "postgresql://localhost/films"
    assert unknown(service["environment"]) == set()
    assert "RIVYA_RUN_DATABASE" in service["environment"]
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()


def test_only_workers_have_the_key_and_they_start_last() -> None:
    """After the tables and the bucket were made; every service that is waited for is there."""
    services = compose()["services"]
    assert [name for name, one in services.items() if "RIVYA_API_KEY" in one.get("environment", {})] == [
        "worker"
    ]
    assert set(services["worker"]["depends_on"]) == {"init", "bucket"}
    assert {other for one in services.values() for other in one.get("depends_on", ())} <= set(services)
    assert {
        volume.partition(":")[0] for one in services.values() for volume in one.get("volumes", ())
    } == set(compose()["volumes"])


def test_the_image_has_the_extra_that_workers_need() -> None:
    """It is one of the distribution's."""
    [extra] = re.findall(r"\[(\w+)\]'", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs = " ".join(project["optional-dependencies"][extra])
    assert all(name in needs for name in ("psycopg", "pgqueuer", "obstore"))


def test_the_unit_starts_a_worker_and_stops_it_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM to the worker alone, which has the time that its runs need; then everything is killed."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    text = (DEPLOY / "rivya-run-worker.service").read_text(encoding="utf-8")
    unit.read_string(text)
    service = unit["Service"]
    program, *words = shlex.split(service["ExecStart"])
    assert program.endswith("/rivya-run") and words[0] == "worker"
    assert parsed(words, monkeypatch)["boards"] == 2
    assert (service["KillMode"], service["KillSignal"]) == ("mixed", "SIGTERM")
    assert int(service["TimeoutStopSec"]) >= 60
    assert unknown(re.findall(r"^#\s+(RIVYA\w+)=", text, re.MULTILINE)) == set()


def test_the_example_for_celery_runs_our_command() -> None:
    """Its words are a command line of ours, and it starts again what ended with 7 or 130."""
    tree = ast.parse((DEPLOY / "celery_tasks.py").read_text(encoding="utf-8"))
    words = [
        [one.value for one in node.elts if isinstance(one, ast.Constant)]
        for node in ast.walk(tree)
        if isinstance(node, ast.List)
    ]
    assert ["rivya-run", "run"] in words
    assert "(7, 130)" in ast.unparse(tree)
