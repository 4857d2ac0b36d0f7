"""What tools answer: JSON values, paths from the root of the server, the API key in none of them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from mcp.types import CallToolResult, TextContent

from rivya_run.api import RunOutcome, TakeResult
from rivya_run.errors import KeyRefused, RivyaError, StoryboardError
from rivya_run.json_types import Json
from rivya_run.mcp_server.confined import ConfinedRoot
from rivya_run.provider.origin import api_key
from rivya_run.storyboard.problems import as_json
from rivya_run.text import visible


def answer(value: dict[str, Json], *, is_error: bool = False) -> CallToolResult:
    """A tool's result, as text and as a value."""
    clean = without_key(value)
    text = json.dumps(clean, ensure_ascii=False, indent=1)
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=clean, is_error=is_error
    )


def refusal(error: RivyaError) -> CallToolResult:
    """What the command would say: what, why, what to do."""
    value: dict[str, Json] = {"error": visible(error.message, keep="\n"), "exit_code": error.exit_code}
    if error.hint:
        value["hint"] = visible(error.hint, keep="\n")
    if isinstance(error, StoryboardError) and error.problems:
        value["problems"] = [*as_json(error.problems)]
    return answer(value, is_error=True)


def without_key(value: Any) -> Any:
    """The same without the API key, whoever repeated it, in whatever escapes."""
    try:
        return api_key(os.environ).hide_in_json(value)
    except KeyRefused:
        return value


def take_documents(takes: Iterable[TakeResult], root: ConfinedRoot) -> list[Json]:
    """Takes as an agent sees them."""
    return [
        {
            "shot": one.shot,
            "take": one.take,
            "status": one.status.value,
            "files": [root.shown(file) for file in one.files],
            "credits": one.credits,
            "warnings": [*one.warnings],
            **({"reason": visible(one.reason)} if one.reason else {}),
        }
        for one in takes
    ]


def outcome_document(outcome: RunOutcome, root: ConfinedRoot) -> dict[str, Json]:
    """What a run came to."""
    found: dict[str, Json] = {
        "exit_code": outcome.exit_code,
        "takes": take_documents(outcome.takes, root),
    }
    if outcome.error is not None:
        found["error"] = visible(outcome.error.message, keep="\n")
        if outcome.error.hint:
            found["hint"] = visible(outcome.error.hint, keep="\n")
    return found
