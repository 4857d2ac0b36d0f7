"""Members of the cast whose text changed: told once, beside the reasons of all the takes that it makes anew.

No record says who stood in an older prompt. But where the rest of a prompt is as it was, what differs is what stood
for the member; two shots in which that is the same, or one in which some of the words are, leave no doubt.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from rivya_run.journal.attempt import Attempt
from rivya_run.planning.plan import Action, Step
from rivya_run.planning.reasons import made_before
from rivya_run.storyboard.model import Shot

_LONG = 4  # letters of a word that two texts don't share by accident


def changed_members(
    steps: Iterable[Step], attempts: Callable[[Shot], Sequence[Attempt]]
) -> tuple[tuple[str, int], ...]:
    """Members with how many shots are made anew since their text is another one, in the storyboard's order.

    ``attempts`` tells those that were made for a shot.
    """
    before = {
        step.shot.id: (step.shot, old)
        for step in steps
        if step.action is Action.CREATE
        and step.shot.mentions
        and (old := _prompt_before(step, attempts(step.shot)))
    }
    seen: dict[tuple[str, str], dict[str, set[str]]] = {}
    for shot, old in before.values():
        for member, text in _texts(shot).items():
            was = _stood_for(member, text, shot, old)
            if was is not None and was != text:
                seen.setdefault((member, text), {}).setdefault(was, set()).add(shot.id)
    sure: dict[tuple[str, str], str] = {}
    shots: dict[str, set[str]] = {}
    for (member, text), olds in seen.items():
        was, same = max(olds.items(), key=lambda one: len(one[1]))
        if len(same) > 1 or _words(was) & _words(text):
            sure[member, text] = was
            shots.setdefault(member, set()).update(same)
    for shot, old in before.values():  # those in which several changed at once
        texts = _texts(shot)
        changed = {member: sure[member, text] for member, text in texts.items() if (member, text) in sure}
        if len(changed) > 1 and _with(texts | changed, shot) == old:
            for member in changed:
                shots[member].add(shot.id)
    return tuple((member, len(found)) for member, found in shots.items())


def _prompt_before(step: Step, attempts: Sequence[Attempt]) -> str | None:
    """The prompt that a take was last made from, if it was another one."""
    made = made_before(step.take, attempts)
    prompt = json.loads(made.body).get("prompt") if made is not None and made.body else None
    return prompt if isinstance(prompt, str) and prompt != step.shot.prompt else None


def _texts(shot: Shot) -> dict[str, str]:
    """What stands for each member in a shot's prompt."""
    prompt = shot.prompt or ""
    return {one.member: prompt[one.start : one.end] for one in shot.mentions}


def _with(texts: Mapping[str, str], shot: Shot) -> str:
    """The prompt with other texts for its members."""
    prompt, pieces, end = shot.prompt or "", [], 0
    for one in shot.mentions:
        pieces += [prompt[end : one.start], texts[one.member]]
        end = one.end
    return "".join([*pieces, prompt[end:]])


def _stood_for(member: str, text: str, shot: Shot, old: str) -> str | None:
    """What must have stood for a member in an older prompt if nothing else has changed; None where it has."""
    times = sum(one.member == member for one in shot.mentions)
    length, rest = divmod(len(old) - len(shot.prompt or "") + times * len(text), times)
    first = next(one.start for one in shot.mentions if one.member == member)
    if rest or length <= 0:
        return None
    was = old[first : first + length]
    return was if _with(_texts(shot) | {member: was}, shot) == old else None


def _words(text: str) -> set[str]:
    return {word for word in text.casefold().split() if len(word) >= _LONG}
