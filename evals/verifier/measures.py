"""How well judgements agree with those of people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evals.verifier.pairs import LABELS, Pair

SHOWN = {"supported": "supported", "refuted": "contradicted", "not_found": "not found"}


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A pair, its probability of being supported, and the label given."""

    pair: Pair
    probability: float
    label: str
    tier: str

    @property
    def is_supported(self) -> bool:
        """Whether people judged the claim supported."""
        return self.pair.label == "supported"


def balanced_accuracy(truth: Sequence[bool], said: Sequence[bool]) -> float | None:
    """Return the mean of the shares right among the true and among the false; None if one lacks."""
    right = np.array(truth) == np.array(said)
    shares = [right[np.array(truth) == value] for value in (True, False)]
    if any(not len(share) for share in shares):
        return None
    return float(np.mean([share.mean() for share in shares]))


def cohens_kappa(truth: Sequence[bool], said: Sequence[bool]) -> float | None:
    """Return the agreement beyond chance, (po - pe) / (1 - pe) (Cohen 1960).

    `po` is the share of equal judgements, `pe` what two judges with these shares of yes would
    agree on by chance. None where that is all, or there is nothing to compare.
    """
    first, second = np.array(truth, bool), np.array(said, bool)
    if not len(first):
        return None
    chance = first.mean() * second.mean() + (1 - first.mean()) * (1 - second.mean())
    if chance == 1:
        return None
    return float(((first == second).mean() - chance) / (1 - chance))


def precision_recall(
    truth: Sequence[bool], said: Sequence[bool]
) -> tuple[float | None, float | None]:
    """Return the share of what was said that is true, and of what is true that was said.

    None where nothing was said, or nothing is true.
    """
    true, told = np.array(truth, bool), np.array(said, bool)
    both = int((true & told).sum())
    return (
        both / int(told.sum()) if told.any() else None,
        both / int(true.sum()) if true.any() else None,
    )


def auroc(truth: Sequence[bool], scores: Sequence[float]) -> float | None:
    """Return the chance that a true one scores above a false one, ties half (Mann-Whitney U)."""
    mask, values = np.array(truth, bool), np.array(scores, float)
    yes, no = values[mask], values[~mask]
    if not len(yes) or not len(no):
        return None
    order = np.sort(no)
    below = np.searchsorted(order, yes, side="left")
    upto = np.searchsorted(order, yes, side="right")
    return float((below + upto).mean() / 2 / len(no))


def macro_f1(truth: Sequence[str], said: Sequence[str]) -> float:
    """Return the mean F1 over the labels that occur in `truth`."""
    values = []
    for label in sorted(set(truth)):
        hits = sum(a == b == label for a, b in zip(truth, said, strict=True))
        total = sum(a == label for a in truth) + sum(b == label for b in said)
        values.append(2 * hits / total if total else 0.0)
    return float(np.mean(values)) if values else 0.0


def confusion(truth: Sequence[str], said: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return counts by true label and by the label given."""
    table: dict[str, dict[str, int]] = {
        one: dict.fromkeys(SHOWN.values(), 0) for one in LABELS if one in set(truth)
    }
    for true, given in zip(truth, said, strict=True):
        table[true][given] += 1
    return table


def figures(judgements: Sequence[Judgement]) -> dict[str, Any]:
    """Return every measure of one collection; macro-F1 over two labels where it has only two."""
    truth = [one.is_supported for one in judgements]
    said = [one.label == "supported" for one in judgements]
    labels: list[str] = [one.pair.label for one in judgements]
    if "refuted" in labels:
        true_names = [SHOWN[label] for label in labels]
        given = [one.label for one in judgements]
    else:
        true_names = ["supported" if value else "not found" for value in truth]
        given = ["supported" if value else "not found" for value in said]
    tiers = [one.tier for one in judgements]
    return {
        "pairs": len(judgements),
        "balanced_accuracy": balanced_accuracy(truth, said),
        "macro_f1": macro_f1(true_names, given),
        "auroc": auroc(truth, [one.probability for one in judgements]),
        "confusion": confusion(labels, [one.label for one in judgements]),
        "decided_by": {tier: tiers.count(tier) / max(1, len(tiers)) for tier in sorted(set(tiers))},
    }


def table(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the figures of all collections in lines, a confusion table under each."""
    lines = []
    for name, row in found.items():
        shares = ", ".join(f"{tier} {share:.0%}" for tier, share in row["decided_by"].items())
        lines.append(
            f"{name}: {row['pairs']} pairs, balanced accuracy {_shown(row['balanced_accuracy'])}, "
            f"macro-F1 {_shown(row['macro_f1'])}, AUROC {_shown(row['auroc'])}; decided by {shares}"
        )
        for true, counts in row["confusion"].items():
            said = ", ".join(f"{label} {count}" for label, count in counts.items())
            lines.append(f"  {SHOWN[true]}: judged {said}")
    return "\n".join(lines)


def _shown(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
