"""The results of a storyboard: its manifest, rebuilt from the journal where a run was killed or is still running."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rivya_run.errors import RivyaError, StoryboardError, UsageError
from rivya_run.journal.attempt import Attempt, AttemptState, Output
from rivya_run.journal.manifest import Books
from rivya_run.journal.manifest import manifest as manifest_from
from rivya_run.journal.take_entry import entry_of_attempt
from rivya_run.json_types import Json
from rivya_run.planning.matching import serving_of
from rivya_run.planning.plan import Action
from rivya_run.project.books import FILE, books_of_folder
from rivya_run.project.files import OwnFiles
from rivya_run.project.home import FolderHome, at_once, home_of
from rivya_run.project.ledger import read_manifest
from rivya_run.project.manifest_reader import Entry, chosen_take, entries
from rivya_run.project.names import within
from rivya_run.project.open import open_storyboard, storyboard_id_of
from rivya_run.project.outputs import size_of
from rivya_run.project.places import JOURNAL, MANIFEST, Outputs, output_folder, project_root
from rivya_run.project.plan import Prepared, RunOptions, open_sources, planned
from rivya_run.project.source import Source
from rivya_run.text import visible


def is_behind(folder: Path) -> bool:
    """Whether the journal of an output folder was written after its manifest, which a run writes last."""
    try:
        written = (folder / JOURNAL).stat().st_mtime_ns
        return not (folder / MANIFEST).exists() or (folder / MANIFEST).stat().st_mtime_ns < written
    except OSError:
        return False


def rebuilt(storyboard: Path, options: RunOptions) -> tuple[dict[str, Json], bool] | None:
    """The manifest of a folder by its journal; None where that tells of no create. Nothing is written.

    Its shots are those that the storyboard has now, its ``sha256`` is the storyboard's of the last run. With it comes
    whether the storyboard and the files that it includes are as they were when that run began.

    Raises StoryboardError, OutputFolderError or JournalDamaged.
    """
    with planned(open_sources([storyboard], options), options) as [prepared]:
        history, source = prepared.ledger.history, prepared.source
        if not history.attempts:
            return None
        ran = history.storyboard_sha256 in (None, source.storyboard.sha256)
        return _manifest_now(prepared), ran and source.same_includes(history.storyboard_inputs)


def _manifest_now(prepared: Prepared) -> dict[str, Json]:
    source, history = prepared.source, prepared.ledger.history
    # What the storyboard is now may not be what was run: its reader is told by the digest.
    ran = replace(source.storyboard, sha256=history.storyboard_sha256 or source.storyboard.sha256)
    return manifest_from(
        ran,
        source.relative_path,
        serving_of(prepared.plan, history),
        history,
        base_url=prepared.made_with or "",
        books=Books(books_of_folder(source.folder) or FILE),
        updated_at=history.updated_at or "",
        unknown=prepared.ledger.unknown,
        inputs=source.inputs() if history.storyboard_sha256 is None else history.storyboard_inputs,
    )


class NothingMade(RivyaError):
    """There is no manifest yet."""


@dataclass(frozen=True, slots=True)
class Results:
    """The manifest of a storyboard, its output folder, and the folder that its references start from.

    ``rebuilt``: the manifest is not the one on disk, which is missing or behind its journal.
    """

    manifest: dict[str, Any]
    folder: Path
    storyboard_folder: Path
    rebuilt: bool = False


def results_of(storyboard: Path, outputs: Outputs, *, simulate: bool) -> Results:
    """Find what was made, by the journal where it knows more than the manifest of the same storyboard.

    Raises RivyaError where there is nothing yet, UsageError without such a storyboard.
    """
    name = storyboard_id_of(storyboard)
    shown = visible(str(storyboard))
    if not name or "/" in name or "\\" in name or name.startswith("."):
        open_storyboard(storyboard, allow_outside=True).needed()  # says what is wrong with it, and where
        raise UsageError(f"the id of '{shown}' can't be determined", hint=f"rivya-run validate {shown}")
    folder = output_folder(project_root(storyboard), outputs, name, simulate=simulate)
    manifest = read_manifest(folder)
    elsewhere = manifest is None and isinstance(outputs, str)  # of a machine that isn't this one
    if elsewhere or is_behind(folder):
        try:
            newer = rebuilt(storyboard, RunOptions(outputs=outputs, simulate=simulate, allow_outside=True))
        except RivyaError:
            if manifest is None:
                raise
        else:
            if newer is not None and (manifest is None or newer[1]):
                return Results(newer[0], folder, storyboard.parent, rebuilt=True)
    if manifest is None:
        option = " --simulate" if simulate else ""
        hint = f"run it first: rivya-run {shown}{option}"
        simulated = output_folder(project_root(storyboard), outputs, name, simulate=True)
        if not simulate and (simulated / MANIFEST).exists():
            hint = f"there are simulated results: add --simulate; or {hint}"
        raise NothingMade(f"'{shown}' has made nothing yet: there is no manifest in {folder}", hint=hint)
    return Results(manifest, folder, storyboard.parent)


@dataclass(frozen=True, slots=True)
class Present:
    """A storyboard as it is now, and what has been made of it: what a film is made from, without a run.

    ``manifest`` is what a run that makes nothing would write. ``earlier`` is, for a shot without a finished take of
    its present text, the entry of the take that was chosen last. ``own`` says which files of people's own may be
    used. ``waits`` are takes that aren't made before somebody has decided, and why. ``source`` is None where the
    storyboard has problems: then the manifest is that of the last run, and ``notice`` says so.
    """

    manifest: dict[str, Any]
    home: FolderHome
    own: OwnFiles
    source: Source | None = None
    earlier: Mapping[str, Entry] = field(default_factory=dict)
    notice: str | None = None
    waits: Mapping[tuple[str, int], str] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The output folder."""
        return self.home.folder

    def fetch(self, *, chosen: bool = False) -> list[str]:
        """See that the files of all takes that are shown, or only of the ``chosen`` ones, are in the folder.

        What is to be said of those that can't be. Raises OutputFolderError.
        """
        objects = self.home.objects()
        takes = list(self.earlier.values()) if objects else []
        for shot in entries(self.manifest.get("shots")) if objects else ():
            takes += [chosen_take(shot) or {}] if chosen else entries(shot.get("takes"))
        files = {file["path"]: file for take in takes for file in entries(take.get("outputs"))}
        outputs = [
            Output(path, None, file["bytes"], file["sha256"], file.get("mime_type"))
            for path, file in files.items()
            # Of one that is here, by its size, no more is asked than in a folder alone.
            if path in objects and size_of(within(self.folder, path)) != file["bytes"]
        ]
        found = zip(outputs, at_once(self.home.fetched, outputs), strict=True)
        return [f"{output.path} {trouble}" for output, trouble in found if trouble is not None]


def present(storyboard: Path, outputs: Outputs, *, simulate: bool, allow_outside: bool = False) -> Present:
    """What there is to show of a storyboard. Nothing is written.

    References may lie outside the project, since nothing is sent; own files only if ``allow_outside``.

    Raises RivyaError where there is nothing yet, UsageError without such a storyboard.
    """
    options = RunOptions(outputs=outputs, simulate=simulate, allow_outside=True)
    own = OwnFiles(storyboard.parent, project_root(storyboard), allow_outside)
    try:
        with planned(open_sources([storyboard], options), options) as [prepared]:
            brought = any(shot.file is not None for shot in prepared.source.storyboard.shots)
            if prepared.ledger.history.attempts or brought:
                return replace(present_of(prepared), own=own)
    except UsageError:
        raise
    except RivyaError as problem:
        try:
            last = results_of(storyboard, outputs, simulate=simulate)
        except NothingMade:
            raise problem from None  # a run would say the same
        reason = problem.message
        home = home_of(last.folder, outputs, simulate=simulate)
        if isinstance(problem, StoryboardError):
            reason = f"'{visible(str(storyboard))}' has problems, which 'rivya-run validate' shows"
        notice = f"{reason}: shown as it was when it was run last"
        return Present(last.manifest, home, own, notice=notice)
    last = results_of(storyboard, outputs, simulate=simulate)
    return Present(last.manifest, home_of(last.folder, outputs, simulate=simulate), own)


def present_of(prepared: Prepared) -> Present:
    """The same of a storyboard whose plan is made."""
    source, history = prepared.source, prepared.ledger.history
    manifest = _manifest_now(prepared)
    lacking = [shot for shot in entries(manifest.get("shots")) if chosen_take(shot) is None]
    earlier: dict[str, Entry] = {}
    if lacking and history.attempts:
        served = set(serving_of(prepared.plan, history).values())
        shown = _chosen_keys(read_manifest(source.folder) or {})
        for shot in lacking:
            name = str(shot["id"])
            last = _chosen_last(history.of_shot(name), served, shown, shot.get("pick"))
            if last is not None:
                earlier[name] = {**entry_of_attempt(last, []), "take": last.take}
    own = OwnFiles(source.path.parent, source.root, source.allow_outside)
    waits = {
        (step.shot.id, step.take): step.reason for step in prepared.plan.steps if step.action is Action.WAIT
    }
    return Present(manifest, source.home, own, source, earlier, waits=waits)


def _chosen_keys(manifest: Entry) -> set[str]:
    """The keys of the takes that a manifest shows."""
    chosen = (chosen_take(shot) for shot in entries(manifest.get("shots")))
    return {str(take.get("client_request_id")) for take in chosen if take is not None}


def _chosen_last(
    attempts: Iterable[Attempt], served: Set[str], shown: Set[str], pick: object
) -> Attempt | None:
    """The attempt that stood for a shot before its text changed: what the last run showed, else the newest's pick."""
    old = [
        one
        for one in attempts
        if one.state is AttemptState.STORED and one.outputs and one.client_request_id not in served
    ]
    for one in old:
        if one.client_request_id in shown:
            return one
    if not old:
        return None
    newest = max(old, key=lambda one: one.sent_at or one.created_at or "")
    alike = [one for one in old if one.fingerprint == newest.fingerprint]
    return min(alike, key=lambda one: (one.take != pick, one.take))
