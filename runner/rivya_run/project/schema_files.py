"""The generated files in ``schemas/``."""

from __future__ import annotations

from pathlib import Path

from rivya_run.journal.manifest_form import manifest_schema
from rivya_run.models.catalog import load_catalog
from rivya_run.storyboard.schema import as_text, storyboard_schema

STORYBOARD_FILE = "storyboard.schema.json"


MANIFEST_FILE = "manifest.schema.json"


def schema_files(project_models: Path | None = None) -> dict[str, str]:
    """File name -> text of every generated schema."""
    documents = {
        MANIFEST_FILE: manifest_schema(),
        STORYBOARD_FILE: storyboard_schema(load_catalog(project_models)),
    }
    return {name: as_text(document) for name, document in documents.items()}
