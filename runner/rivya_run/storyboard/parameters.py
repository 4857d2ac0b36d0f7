"""Step two for what a shot sends: its params and prompt, judged by the model's table, and its references.

Names are filled in here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from rivya_run.errors import Severity
from rivya_run.json_types import Json
from rivya_run.models.table import ModelTable
from rivya_run.models.values import Finding, JudgedParams, Written, judge_params
from rivya_run.storyboard.fits import read_fits, take_out
from rivya_run.storyboard.layers import Given, Placed, values
from rivya_run.storyboard.model import (
    URL_PATTERN,
    BoardReference,
    FileReference,
    Fit,
    Reference,
    ShotReference,
    UrlReference,
)
from rivya_run.storyboard.problems import Findings, HasPosition, below
from rivya_run.storyboard.shapes import REFERENCE_PLACES, elements, forms_of
from rivya_run.storyboard.substitution import Names, holds_names
from rivya_run.text import shortened
from rivya_run.yaml12.nodes import Mapping as MappingNode
from rivya_run.yaml12.nodes import Node, Scalar, Sequence


class MatrixFaults:
    """Faults of values that came out of a shot's matrix.

    A fault belongs to the value in the list; where all values of a name are at fault, to the place of use.
    """

    def __init__(self, lists: Mapping[str, Sequence]) -> None:
        self._lists = lists
        self._found: dict[tuple[int, str], tuple[str, Node, str, Finding, dict[int, tuple[Scalar, str]]]] = {}

    def note(self, name: str, item: Scalar, use: Node, where: str, finding: Finding) -> None:
        """The value ``item`` of the matrix name doesn't fit where it is used."""
        mark = (id(use), finding.code)
        entry = self._found.setdefault(mark, (name, use, where, finding, {}))
        entry[4].setdefault(id(item), (item, finding.message))

    def report(self, findings: Findings) -> None:
        for name, use, where, finding, items in self._found.values():
            values = self._lists[name].items
            if len(items) == len(values) > 1:
                findings.error(use, where, f"{finding.message} (from the matrix)", finding.code)
                continue
            for item, message in items.values():
                findings.error(item, where, message, finding.code)


class ParameterJudge:
    """Judges ``params`` of shots; shots that ask for the same things are judged once."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._judged: dict[tuple[object, ...], JudgedParams] = {}

    def judge(
        self,
        table: ModelTable,
        given: Mapping[str, Given],
        names: Names,
        *,
        where: str,
        at: HasPosition,
        faults: MatrixFaults | None = None,
    ) -> tuple[dict[str, Json], dict[str, Fit]]:
        """What will be sent, and what follows a sound. ``where`` and ``at`` are the shot's, for what is missing."""
        plain, follows = take_out(table, given, self._findings)
        written, origins, mark = _written(table, plain, names)
        judged = self._judge(table, written, mark)
        for finding in judged.findings:
            if finding.key not in follows:
                self._report(finding, table, given, names, origins, where, at, faults)
        params = {key: value for key, value in judged.params.items() if key not in follows}
        return params, read_fits(follows, names)

    def judge_layer(self, table: ModelTable, given: Mapping[str, Given], where: str, about: str) -> None:
        """Judge the parameters of one layer by themselves; what it leaves out is for others to write."""
        names = Names({}, self._findings)
        written, _, mark = _written(table, take_out(table, given, self._findings)[0], names)
        for finding in self._judge(table, written, mark).findings:
            if finding.key in written:
                at = given[finding.key].key
                self._report(finding, table, given, names, {}, where, at, None, about)

    def _judge(
        self, table: ModelTable, written: Mapping[str, Written], mark: tuple[object, ...] | None
    ) -> JudgedParams:
        if mark is None:
            return judge_params(table, written)
        known = self._judged.get(mark)
        if known is None:
            known = self._judged[mark] = judge_params(table, written)
        return known

    def _report(
        self,
        finding: Finding,
        table: ModelTable,
        given: Mapping[str, Given],
        names: Names,
        origins: Mapping[str, str],
        where: str,
        at: HasPosition,
        faults: MatrixFaults | None,
        about: str = "",
    ) -> None:
        source = given.get(finding.key)
        if source is None:
            self._findings.error(at, below(where, "params"), finding.message, finding.code)
            return
        spot: Node = source.key if finding.at_key else _descend(source.value, finding.path)
        path = source.where if finding.at_key else below(source.where, finding.key)
        origin = origins.get(finding.key)
        if origin is not None and faults is not None and not finding.at_key:
            faults.note(origin, names.matrix[origin], source.value, path, finding)
            return
        message = finding.message + about
        if not source.where.startswith(where):
            message += f" (for {table.id} in {where})"
        say = self._findings.advice if finding.severity is Severity.ADVICE else self._findings.error
        say(spot, path, message, finding.code, subject=finding.message)


def _written(
    table: ModelTable, given: Mapping[str, Given], names: Names
) -> tuple[dict[str, Written], dict[str, str], tuple[object, ...] | None]:
    """Values with names filled in, which matrix names whole values came from, and a mark.

    The mark is the same for the same request; None where there are lists.
    """
    origins: dict[str, str] = {}
    written: dict[str, Written] = {}
    mark: list[object] = [table.id]
    cached = True
    for key, (_, node, where) in given.items():
        if isinstance(node, Scalar) and (not isinstance(node.value, str) or "$" not in node.text):
            value: Json = node.value
            text: str | None = node.text
        else:
            filled = names.value(node, below(where, key))
            value, text = filled.value, filled.text
            if filled.matrix is not None:
                origins[key] = filled.matrix
        written[key] = Written(value, text)
        mark += (key, text, value.__class__)
        cached = cached and text is not None
    return written, origins, tuple(mark) if cached else None


def _descend(node: Node, path: tuple[int | str, ...]) -> Node:
    for step in path:
        if isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        elif isinstance(node, MappingNode) and isinstance(step, str) and step in node.entries:
            node = node.entries[step]
        else:
            break
    return node


def check_prompt(text: str, node: Node, table: ModelTable | None, at: str, findings: Findings) -> None:
    """Check the prompt that is sent, everything filled in. Its length counts in Unicode code points.

    Rivya doesn't say what it counts; a prompt that only passes the limit in UTF-16 units gets an advice.
    """
    if not text.strip():
        findings.error(node, at, "'prompt' is blank", "blank")
    limit = table.max_prompt_length if table is not None else None
    if limit is None or table is None or len(text) * 2 <= limit:
        return
    if len(text) > limit:
        message = f"{len(text)} characters; {table.id} takes at most {limit}"
        findings.error(node, at, message, "prompt-length", subject="")
        return
    units = len(text.encode("utf-16-le", errors="surrogatepass")) // 2
    if units > limit:
        message = (
            f"{len(text)} characters are {units} in UTF-16; if Rivya counts so, "
            f"they are more than the {limit} of {table.id}"
        )
        findings.advice(node, at, message, "prompt-length", subject="")


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
        node, where = written
        references: list[Reference] = []
        for item, at in elements(node, below(where, "references")):
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

    def check_urls(self, node: Node, where: str) -> None:
        """Tell of each URL that can't be one, in references that perhaps no shot has; a schema tells of them too."""
        for item, at in elements(node, below(where, "references")):
            target = item.entries.get("url") if isinstance(item, MappingNode) else item
            if not isinstance(target, Scalar) or holds_names(target) or self.findings.is_invalid(item):
                continue
            if target is not item or _SCHEME.match(target.text):
                self._is_url(target.text, target, at if target is item else f"{at}.url")

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
        assert isinstance(node, MappingNode)
        [form] = forms_of(node.entries)
        target = node.entries[form]
        assert isinstance(target, Scalar)
        text = names.text(target, f"{at}.{form}", as_id=form == "shot")
        if form == "path":
            return self._file(text, target, at)
        more = values(node.entries, REFERENCE_PLACES[form])
        del more[form]
        if form == "storyboard":
            return self._of_another(text, target, node, at, names, more)
        if form == "shot":
            return ShotReference(text, line=target.line, column=target.column, where=at, **more)
        if not self._is_url(text, target, f"{at}.url"):
            return None
        return UrlReference(text, line=target.line, column=target.column, where=at, **more)

    def _of_another(
        self, path: str, target: Scalar, node: MappingNode, at: str, names: Names, more: dict[str, Any]
    ) -> BoardReference | None:
        shot = node.entries["shot"]
        assert isinstance(shot, Scalar)
        made = names.text(shot, f"{at}.shot", as_id=True)
        if not path.strip():
            self.findings.error(target, f"{at}.storyboard", "the path is blank", "blank")
            return None
        path = self.findings.source.from_storyboard(path, target.line)
        place = {"line": target.line, "column": target.column, "where": at}
        return BoardReference(path, **{**more, **place, "shot": made})

    def _file(self, path: str, node: Scalar, at: str) -> FileReference | None:
        if path.strip():
            path = self.findings.source.from_storyboard(path, node.line)
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
