"""What a new project folder holds."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from rivya_run.generated.storyboard_schema import schema_files

STORYBOARD = "storyboard.yaml"


def scaffold(models: Path) -> dict[str, bytes]:
    """Content by path (relative, forward slashes); ``models`` is the project's folder of tables, if it has one."""
    starter = files("rivya_run.cli") / "starter"
    content = {
        STORYBOARD: (starter / "storyboard.yaml").read_bytes(),
        ".gitignore": (starter / "gitignore").read_bytes(),
        ".vscode/settings.json": (starter / "settings.json").read_bytes(),
        "outputs/.gitkeep": b"",
    }
    return content | {f"schemas/{name}": text.encode() for name, text in schema_files(models).items()}
