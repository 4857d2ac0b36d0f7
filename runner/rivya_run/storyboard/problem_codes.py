"""The stable codes of problems, with what each says: for people who filter, annotate or look one up.

Codes of advice about models are in the tables themselves (``advice`` rows).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FILE: Mapping[str, str] = MappingProxyType(
    {
        "syntax": "this is not YAML (or JSON)",
        "empty": "there is nothing in the file",
        "several-documents": "a second document begins; a storyboard is one",
        "duplicate-key": "a key is written twice in one mapping",
        "key": "a key is a list or a mapping instead of a word",
        "merge-conflict": "markers of a git merge are left in the file",
        "merge": "`<<` brings in something that is no mapping",
        "undefined-alias": "`*name` without `&name` before it",
        "recursive-alias": "`*name` stands inside `&name`",
        "alias-limit": "aliases blow the file up",
        "tag": "a tag such as `!!python/...`, or one that its value doesn't fit",
        "too-deep": "nested deeper than 64 levels",
        "too-large": "the file is larger than 16 MiB",
        "encoding": "the file is not text in UTF-8 (or UTF-16 or UTF-32 with a byte order mark)",
        "control-character": "a NUL or another character that can't stand in text",
    }
)
"""What is wrong with a file before anything in it is understood."""

SHAPE: Mapping[str, str] = MappingProxyType(
    {
        "unknown-key": "a key that has no meaning here; advice where the model's table is incomplete",
        "missing-key": "a key that must be there is not",
        "type": "text where a number is needed, a list where one value is, and so on; also an empty value",
        "blank": "text with nothing but blanks in it",
        "range": "a number, take or pick below the least or above the most",
        "version": "a version of the language that this program doesn't know",
        "no-shots": "the list of shots is empty",
        "id": "not an id: see [ids](#ids)",
        "duplicate-id": "two shots (upper and lower case alike), or two project tables, have the same id",
        "name": "not a name for `vars` or `matrix`",
        "substitution": "`${` that is never closed, holds no name, or stands inside a value to be filled in",
        "unknown-name": "`${name}` that neither `vars` nor the shot's `matrix` knows",
        "unknown-preset": "`use` names no preset",
        "unknown-model": "no parameter table has this id",
        "matrix-id": "two shots of a matrix have the same id",
        "matrix-size": "a matrix makes more than 100,000 shots",
        "unused-params": "advice: `params` of the defaults that no shot gets",
    }
)
"""What is wrong with keys and values of the language."""

PARAMETERS: Mapping[str, str] = MappingProxyType(
    {
        "option": "not one of the options",
        "step": "a number between two steps",
        "required": "a parameter that the model needs is missing",
        "reserved": "a parameter that rivya-run writes itself",
        "missing-prompt": "the model needs a prompt",
        "prompt-length": "longer than the model allows; advice where only UTF-16 units are too many",
    }
)
"""What the model's table says against a prompt or its parameters."""

REFERENCES: Mapping[str, str] = MappingProxyType(
    {
        "reference": "a reference mapping without exactly one of `path`, `url`, `shot`",
        "url": "not an https URL",
        "missing-reference": "the model needs a reference",
        "no-references": "the model takes none",
        "too-many-references": "more than the model takes",
        "reference-kind": "a video where an image is needed, and so on; or a URL that doesn't tell",
        "reference-type": "a file type that the model doesn't take, or no media at all, by the file's first bytes",
        "reference-size": "a file larger than the model takes",
        "missing-file": "there is no such file",
        "not-a-file": "a folder, a pipe or a device",
        "empty-file": "a file without a byte",
        "unreadable": "the file can't be read",
        "outside": "the file lies outside the project, or a link leads there",
        "unknown-shot": "no shot has this id",
        "circle": "shots wait for each other",
        "frame": "a frame of something that is no video",
        "frame-beyond": "advice: a frame later than the duration that the other shot asks for",
    }
)
"""What is wrong with references."""

PROJECT: Mapping[str, str] = MappingProxyType(
    {
        "folder-claimed": "another storyboard file has this id and its output folder",
        "renamed": "the file was renamed, and without `id:` it would be paid for again under its new name",
        "table": "a parameter table in `models/` contradicts itself or its schema",
    }
)
"""What is wrong around a storyboard."""

GROUPS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "The file": FILE,
        "Keys and values": SHAPE,
        "What the model says": PARAMETERS,
        "References": REFERENCES,
        "The project": PROJECT,
    }
)
"""All of them, by what they are about."""
