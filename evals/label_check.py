"""A check of the checker: how an entailment function agrees with people who read the same."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import InputError
from evals.json_lines import read_records
from evals.scoring.entailment import Entailment, Premise, entails
from evals.verifier.measures import auroc, balanced_accuracy, cohens_kappa, precision_recall

LABELS = Path(__file__).parent / "labels"
MEANING = {"supported": True, "unsupported": False}


@dataclass(frozen=True, kw_only=True)
class Label:
    """What a reader found: do the cited sentences support this sentence of an answer?"""

    claim: str
    premises: tuple[Premise, ...]
    supported: bool
    by: str = ""
    question_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A label, and the probability that the entailment function gives; None of no evidence."""

    label: Label
    probability: float | None
    supported: bool


def load_labels(paths: Iterable[Path]) -> list[Label]:
    """Read `{"claim", "evidence": […], "label", "by", "question_id"}` lines.

    `titles`, as long as the evidence, may name its papers: the citation scores read them, too.

    Raises:
        UnreadableFileError: a file can't be read, or a line is no label.
        InputError: there is no label.
    """
    needs = f"it needs a claim, a list of evidence, and a label that is one of {', '.join(MEANING)}"
    labels = [label for path in paths for label in read_records(path, _label, "label", needs)]
    if not labels:
        raise InputError(f"There are no labels; name a JSONL file of them, or put one in {LABELS}.")
    return labels


def _label(record: dict[str, Any]) -> Label:
    evidence = record["evidence"]
    if isinstance(evidence, str):
        raise TypeError("evidence is a text, not a list of them")
    titles = record.get("titles") or [""] * len(evidence)
    return Label(
        claim=record["claim"],
        premises=tuple(
            Premise(text=text, title=title) for text, title in zip(evidence, titles, strict=True)
        ),
        supported=MEANING[record["label"]],
        by=record.get("by", ""),
        question_id=record.get("question_id", ""),
    )


def read_again(labels: Sequence[Label], entailment: Entailment) -> list[Reading]:
    """Let the entailment function judge what people have labelled.

    Raises:
        ModelError: a model that was asked fails.
    """
    return [
        Reading(
            label=one,
            probability=entailment.probability(one.claim, one.premises) if one.premises else None,
            supported=entails(entailment, one.claim, one.premises),
        )
        for one in labels
    ]


def figures(readings: Sequence[Reading]) -> dict[str, Any]:
    """Return how well the function agrees, and where it doesn't."""
    truth = [one.label.supported for one in readings]
    said = [one.supported for one in readings]
    lacking, called_lacking = [not one for one in truth], [not one for one in said]
    precision, recall = precision_recall(lacking, called_lacking)
    known = [one for one in readings if one.probability is not None]
    return {
        "n": len(readings),
        "supported": sum(truth),
        "unsupported": sum(lacking),
        "by": dict(Counter(one.label.by for one in readings)),
        "agreement": sum(a == b for a, b in zip(truth, said, strict=True)) / len(readings),
        "kappa": cohens_kappa(truth, said),
        "balanced_accuracy": balanced_accuracy(truth, said),
        "auroc": auroc(
            [one.label.supported for one in known], [one.probability or 0.0 for one in known]
        ),
        "unsupported_precision": precision,
        "unsupported_recall": recall,
        "disagreements": [_disagreement(one) for one in readings if _differs(one)],
    }


def _differs(reading: Reading) -> bool:
    return reading.supported is not reading.label.supported


def _disagreement(reading: Reading) -> dict[str, Any]:
    label = reading.label
    return {
        "question_id": label.question_id,
        "by": label.by,
        "label": _word(supported=label.supported),
        "probability": reading.probability,
        "claim": label.claim,
        "evidence": [one.text for one in label.premises],
    }


def report(found: dict[str, Any], entailment: str) -> str:
    """Show the figures, then the disagreements with what was read."""
    people = ", ".join(f"{name or 'unnamed'} {count}" for name, count in found["by"].items())
    lines = [
        f"{found['n']} labels ({people}): {found['supported']} supported, "
        f"{found['unsupported']} unsupported; judged anew by '{entailment}'",
        f"agreement {found['agreement']:.3f}, Cohen's kappa {_shown(found['kappa'])}, "
        f"balanced accuracy {_shown(found['balanced_accuracy'])}, AUROC {_shown(found['auroc'])}",
        f"“unsupported”: precision {_shown(found['unsupported_precision'])}, "
        f"recall {_shown(found['unsupported_recall'])}",
    ]
    if found["disagreements"]:
        lines.append(f"\nDisagreements ({len(found['disagreements'])}):")
    for one in found["disagreements"]:
        chance = "no evidence" if one["probability"] is None else f"{one['probability']:.2f}"
        where = " ".join(filter(None, [one["question_id"], f"[{chance}]"]))
        lines.append(f"  {where} {one['by'] or 'a reader'} says {one['label']}: {one['claim']}")
        lines += [f"      “{text}”" for text in one["evidence"]]
    return "\n".join(lines)


def _word(*, supported: bool) -> str:
    return next(word for word, meaning in MEANING.items() if meaning is supported)


def _shown(value: float | None) -> str:
    return "not scored" if value is None else f"{value:.3f}"
