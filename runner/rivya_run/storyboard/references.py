"""Step two for ``references``: from what was written to records, the rules that need no file, and those about files.

Facts about the files are gathered by somebody else and handed in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as ByPath
from collections.abc import Sequence as Listed
from typing import Final

from rivya_run.errors import Problem
from rivya_run.models.catalog import Catalog
from rivya_run.models.table import ModelTable
from rivya_run.storyboard.layers import Placed
from rivya_run.storyboard.model import (
    URL_PATTERN,
    FileFacts,
    FileReference,
    FileTrouble,
    Frame,
    Reference,
    ShotReference,
    Storyboard,
    UrlReference,
)
from rivya_run.storyboard.problems import Findings, HasPosition, below
from rivya_run.storyboard.shapes import elements
from rivya_run.storyboard.substitution import Names
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping, Node, Scalar
from rivya_run.yaml12.source import SourceText

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_SUFFIX: Final = r"//[^/?#]*/[^?#]*\.([A-Za-z0-9]{2,5})(?:[?#]|$)"
_KINDS: Final = {
    "image": ("jpg", "jpeg", "png", "webp", "gif", "avif", "heic", "bmp", "tif", "tiff"),
    "video": ("mp4", "m4v", "mov", "webm", "mkv", "avi"),
    "audio": ("mp3", "wav", "m4a", "aac", "ogg", "oga", "flac", "opus"),
}
_KIND_OF_SUFFIX: Final = {suffix: kind for kind, suffixes in _KINDS.items() for suffix in suffixes}


class ReferenceReader:
    """Makes the references of shots out of nodes."""

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def read(self, written: Placed | None, names: Names, table: ModelTable | None) -> tuple[Reference, ...]:
        """The references of one shot; what is wrong with one is said, and it is left out."""
        if written is None:
            return ()
        references: list[Reference] = []
        for item, at in elements(written.node, below(written.where, "references")):
            if self.findings.is_invalid(item):
                continue
            found = (
                self._short(item, at, names, table)
                if isinstance(item, Scalar)
                else self._long(item, at, names)
            )
            if found is not None:
                references.append(found)
        return tuple(references)

    def _short(self, node: Scalar, at: str, names: Names, table: ModelTable | None) -> Reference | None:
        text = names.text(node, at)
        if not _SCHEME.match(text):
            return self._file(text, node, at)
        if not self._is_url(text, node, at):
            return None
        suffix = re.search(_SUFFIX, text)
        kind = _KIND_OF_SUFFIX.get(suffix.group(1).lower()) if suffix else None
        if kind is None and table is not None and table.references and len(table.references.kinds) == 1:
            kind = table.references.kinds[0]
        if kind is None:
            message = "the URL doesn't say what it leads to: write {url: ..., kind: image} (or video, audio)"
            self.findings.error(node, at, message, "reference-kind")
            return None
        return UrlReference(text, kind, node.line, node.column, at)

    def _long(self, node: Node, at: str, names: Names) -> Reference | None:
        assert isinstance(node, Mapping)
        path, url, shot = node.get("path"), node.get("url"), node.get("shot")
        if isinstance(path, Scalar):
            return self._file(names.text(path, f"{at}.path"), path, at)
        if isinstance(shot, Scalar):
            take = node.get("take")
            return ShotReference(
                names.text(shot, f"{at}.shot", as_id=True),
                shot.line,
                shot.column,
                at,
                int(take.value) if isinstance(take, Scalar) and isinstance(take.value, int | float) else None,
                _frame(node.get("frame")),
            )
        assert isinstance(url, Scalar)
        text = names.text(url, f"{at}.url")
        if not self._is_url(text, url, f"{at}.url"):
            return None
        return UrlReference(
            text,
            _text(node, "kind") or "",
            url.line,
            url.column,
            at,
            _text(node, "name"),
            _text(node, "mime_type"),
            _text(node, "duration_token"),
            _text(node, "id"),
        )

    def _file(self, path: str, node: Scalar, at: str) -> FileReference | None:
        if path.strip():
            return FileReference(path, node.line, node.column, at)
        self.findings.error(node, at, "the path is blank", "blank")
        return None

    def _is_url(self, text: str, node: Scalar, at: str) -> bool:
        if re.match(URL_PATTERN, text):
            return True
        message = (
            f"'{shortened(text)}' is not an https URL (plain http is allowed for loopback addresses only)"
        )
        self.findings.error(node, at, message, "url")
        return False


def _text(node: Mapping, key: str) -> str | None:
    value = node.get(key)
    return value.text if isinstance(value, Scalar) else None


def _frame(node: Node | None) -> Frame | None:
    if not isinstance(node, Scalar):
        return None
    if isinstance(node.value, int | float):
        return float(node.value)
    return "first" if node.text == "first" else "last"


def check_policy(
    references: Listed[Reference], table: ModelTable, where: str, at: HasPosition, findings: Findings
) -> None:
    """Count and kinds of a shot's references against the model's table, as far as no file is needed.

    What an incomplete table says may have gone unread in part, so it only makes advice.
    """
    say = findings.error if table.complete else findings.advice
    if not references:
        if table.requires_files:
            findings.error(at, where, f"{table.id} needs a reference", "missing-reference")
        return
    policy = table.references
    if policy is None:
        if table.complete:
            first = references[0]
            findings.error(first, first.where, f"{table.id} takes no references", "no-references")
        return
    if len(references) > policy.max_files:
        beyond = references[policy.max_files]
        message = f"{len(references)} references; {table.id} takes at most {policy.max_files}"
        say(beyond, beyond.where, message, "too-many-references")
    for reference in references:
        if isinstance(reference, UrlReference):
            check_kind(reference, reference.kind, reference.mime_type, table, findings)


def check_kind(
    reference: Reference, kind: str, mime_type: str | None, table: ModelTable, findings: Findings
) -> None:
    """Kind and, where it is known, MIME type of one reference against the model's table."""
    policy = table.references
    if policy is None:
        return
    say = findings.error if table.complete else findings.advice
    if kind not in policy.kinds:
        takes = " and ".join(policy.kinds)
        message = f"{kind} where {table.id} takes {takes} references"
        say(reference, reference.where, message, "reference-kind")
        return
    limit = next((limit for limit in policy.limits if limit.kind == kind), None)
    if mime_type is not None and limit is not None and limit.mime and mime_type not in limit.mime:
        message = f"{shortened(mime_type)} where {table.id} takes {', '.join(limit.mime)}"
        say(reference, reference.where, message, "reference-type")


_MB = 1024 * 1024


def judge_references(
    storyboard: Storyboard,
    catalog: Catalog,
    facts: ByPath[str, FileFacts | FileTrouble],
    file: str,
) -> list[Problem]:
    """Problems of reference files, in file order: trouble with the file itself, its kind, type and size.

    ``facts`` is by path as written (``FileReference.path``). Count, and kinds of URLs and of other shots'
    results, are judged where the storyboard is read. An incomplete table only makes advice.
    The problems come without source lines: there is no text here to take them from.
    """
    findings = Findings(SourceText(file, ""))
    for shot in storyboard.shots:
        table = catalog.get(shot.model)
        for reference in shot.references:
            if not isinstance(reference, FileReference):
                continue
            found = facts.get(reference.path)
            if isinstance(found, FileTrouble):
                findings.error(reference, reference.where, found.message, found.code)
            elif found is not None and table is not None:
                _judge(reference, found, table, findings)
    return list(findings.in_file_order())


def _judge(reference: FileReference, facts: FileFacts, table: ModelTable, findings: Findings) -> None:
    trouble = file_against_table(facts, table, shortened(reference.path))
    if trouble is not None:
        code, message = trouble
        say = findings.error if table.complete or facts.kind is None else findings.advice
        say(reference, reference.where, message, code)


def file_against_table(facts: FileFacts, table: ModelTable, name: str) -> tuple[str, str] | None:
    """Why a file can't be a reference for a model: (code, message), or None where nothing speaks against it.

    Also for the output of a parent shot, once it is there.
    """
    if facts.kind is None:
        return "reference-type", f"'{name}' is not an image, video or audio file, whatever its name says"
    policy = table.references
    if policy is None:
        return None
    if facts.kind not in policy.kinds:
        takes = " and ".join(policy.kinds)
        return "reference-kind", f"'{name}' is {facts.mime_type} where {table.id} takes {takes} references"
    limit = next((limit for limit in policy.limits if limit.kind == facts.kind), None)
    if limit is None:
        return None
    if limit.mime and facts.mime_type not in limit.mime:
        return "reference-type", f"'{name}' is {facts.mime_type}; {table.id} takes {', '.join(limit.mime)}"
    if facts.bytes > limit.max_mb * _MB:
        size = f"{facts.bytes / _MB:.4g} MB ({facts.bytes} bytes)"
        message = f"'{name}' is {size}; {table.id} takes {facts.kind} files up to {limit.max_mb:g} MB"
        return "reference-size", message
    return None
