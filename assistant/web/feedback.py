"""What users say of answers, and evaluation cases made of it."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from assistant.filters import to_text
from assistant.web.conversation import Conversation, history

Verdict = Literal["up", "down", "wrong citation"]


def record(
    conversation: Conversation, place: int, verdict: Verdict, number: int | None = None
) -> dict[str, Any]:
    """Return what is kept of a verdict on the turn at `place`, from 1: the answer and its trace.

    `number` names the citation that is said to be wrong.
    """
    turn = conversation.turns[place - 1]
    only = conversation.scope.filter()
    return {
        "verdict": verdict,
        "number": number,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "conversation": conversation.id,
        "place": place,
        "history": [vars(one).copy() for one in history(conversation.turns[: place - 1])],
        "where": "" if only is None else to_text(only),
        "answer": turn.answer and turn.answer.to_dict(),
    }


def cases(records: Iterable[Mapping[str, Any]]) -> str:
    """Return JSON lines in the format of `evals/questions`, one for each answer judged.

    A good answer is a case as it stands. Of a bad one or a wrong citation the right answer
    isn't known: its type is "review", and its gold papers are a guess for a person to mend.
    """
    wrong: dict[tuple[str, int], set[int]] = {}
    judged: dict[tuple[str, int], Mapping[str, Any]] = {}
    for one in records:
        if not one.get("answer"):
            continue
        key = (one["conversation"], one["place"])
        if one["number"] is not None:
            wrong.setdefault(key, set()).add(one["number"])
        judged[key] = one
    lines = [
        json.dumps(_case(place, one, wrong.get(key, set())), ensure_ascii=False)
        for place, (key, one) in enumerate(judged.items(), start=1)
    ]
    return "".join(f"{line}\n" for line in lines)


def _case(place: int, one: Mapping[str, Any], wrong: set[int]) -> dict[str, Any]:
    answer = one["answer"]
    is_good = one["verdict"] == "up" and not wrong
    right = [cited for cited in answer["citations"] if cited["number"] not in wrong]
    gold = [cited["paper"]["title"] for cited in right]
    if not gold and not is_good:
        gold = [paper["title"] for paper in answer["nearest"]]
    if not is_good:
        kind = "review"
    elif not gold:
        kind = "unanswerable"
    else:
        kind = "follow_up" if one["history"] else "single"
    return {
        "id": f"feedback-{place:03}",
        "type": kind,
        "history": one["history"],
        "question": answer["question"],
        "where": one["where"],
        "gold": list(dict.fromkeys(gold)),
        "evidence": [
            {"paper": cited["paper"]["title"], "find": [cited["sentence"]]} for cited in right
        ],
        "must_include": [],
        "must_not_include": [],
        "reference": answer["text"] if is_good else "",
    }


def note_about(verdict: Verdict, number: int | None) -> str:
    """Return what the verdict is about: a later one about the same replaces it."""
    return f"citation {number}" if verdict == "wrong citation" else "answer"
