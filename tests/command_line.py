"""The command line as a person meets it, in this process: words in, exit code and both streams out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from projects import Project
from rivya_run.cli.app import app
from simulation import KEY


def rivya_run(*words: str | Path, typed: str | None = None, **environment: str) -> Result:
    """``rivya-run`` with these words; an internal error fails the test."""
    result = CliRunner(env={"COLUMNS": "200"}).invoke(
        app, [str(word) for word in words], input=typed, env=environment
    )
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "internal error" not in result.stderr, result.stderr
    assert "Traceback" not in result.output
    return result


def in_project(project: Project, *words: str | Path, typed: str | None = None, **environment: str) -> Result:
    """The same against the project's simulator, with quick polls."""
    settings: dict[str, Any] = {
        "RIVYA_API_KEY": KEY,
        "RIVYA_BASE_URL": project.simulator.base_url,
        "RIVYA_RUN_POLL_INTERVAL": "0.02",
        **environment,
    }
    return rivya_run(*words, typed=typed, **settings)
