"""What the tools are called, what they take and what they do to the world, as clients are told."""

from __future__ import annotations

from typing import Any, Final, get_args

from mcp.types import Tool, ToolAnnotations

from rivya_run.api import ExportFormat

_PATH: Final = {"type": "string", "description": "The storyboard file, from the root of the server."}
_SIMULATE: Final = {
    "type": "boolean",
    "default": False,
    "description": "Use the built-in stand-in and its results, which cost nothing and are kept apart.",
}
_SHOT: Final = {"type": "string", "description": "The shot's id."}
_TAKE: Final = {
    "type": ["integer", "string"],
    "description": "The take's number, or at least 8 digits of its file's sha256.",
}

_LOOKS: Final = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_MAKES: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
"""Writes files that can be made again."""

_DECIDES: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)
_RUNS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
)


def _tool(
    name: str, annotations: ToolAnnotations, description: str, needed: tuple[str, ...] = (), **properties: Any
) -> Tool:
    schema = {
        "type": "object",
        "properties": properties,
        "required": [*needed],
        "additionalProperties": False,
    }
    return Tool(name=name, description=description, input_schema=schema, annotations=annotations)


TOOLS: Final[tuple[Tool, ...]] = (
    _tool(
        "list_storyboards",
        _LOOKS,
        "The storyboards of this server's root, and what this server permits: simulating always, spending, picking "
        "and approving only where the person who started it said so.",
    ),
    _tool(
        "validate",
        _LOOKS,
        "Every problem of a storyboard and its reference files, with line, code and what to do. No network.",
        ("path",),
        path=_PATH,
    ),
    _tool(
        "plan",
        _LOOKS,
        "What a run would do for each take, why, and what it costs in credits, with the films that come of it and a "
        "digest. Nothing is written, no network. Show steps and credits to the person before you run the digest.",
        ("path",),
        path=_PATH,
        simulate=_SIMULATE,
    ),
    _tool(
        "run",
        _RUNS,
        "Carry out exactly the plan of a digest: make what is missing, never paying twice. A real run costs credits "
        "and needs the server's leave; a simulated one costs nothing. Refused when the plan has changed since: plan "
        "again. It may take minutes to hours; cancelling stops creating, and the next run goes on.",
        ("path", "digest"),
        path=_PATH,
        digest={"type": "string", "description": "That of the plan, made with the same simulate."},
        simulate=_SIMULATE,
        max_credits={
            "type": "number",
            "minimum": 0,
            "description": "Spend at most this in this run; the server's own limit holds in any case.",
        },
    ),
    _tool(
        "status",
        _LOOKS,
        "What exists of a storyboard: each take with status, files, credits and warnings.",
        ("path",),
        path=_PATH,
        simulate=_SIMULATE,
    ),
    _tool(
        "models",
        _LOOKS,
        "The models with their base credits; with model the parameters, references and limits of one.",
        model={"type": "string", "description": "One model's id."},
    ),
    _tool(
        "schema",
        _LOOKS,
        "The JSON Schema of storyboards, of what they include, of manifests or of parameter tables.",
        which={
            "type": "string",
            "enum": ["storyboard", "include", "manifest", "table"],
            "default": "storyboard",
        },
    ),
    _tool(
        "pick",
        _DECIDES,
        "Write into the storyboard which take stands for a shot; without the server's leave, say the line to write.",
        ("path", "shot", "take"),
        path=_PATH,
        shot=_SHOT,
        take=_TAKE,
        simulate=_SIMULATE,
    ),
    _tool(
        "approve",
        _DECIDES,
        "Write into the storyboard that a take is settled; without the server's leave, say the line to write. It is "
        "a decision of the person: never approve what they haven't seen.",
        ("path", "shot"),
        path=_PATH,
        shot=_SHOT,
        take=_TAKE,
    ),
    _tool(
        "export",
        _MAKES,
        "Write the film as it is now into the output folder: a cut, a contact sheet, captions, or a timeline.",
        ("path",),
        path=_PATH,
        form={"type": "string", "enum": [*get_args(ExportFormat)], "default": "cut"},
        simulate=_SIMULATE,
        slates={
            "type": "boolean",
            "default": False,
            "description": "Keep the place of shots without a take.",
        },
    ),
    _tool(
        "report",
        _MAKES,
        "Write the page with all takes into the output folder, for the person to look at.",
        ("path",),
        path=_PATH,
        simulate=_SIMULATE,
    ),
)
