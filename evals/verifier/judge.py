"""Put pairs before the product's own verifier, remembering what costs time."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from assistant.grounding.focus import focus
from assistant.grounding.judges import Judge
from assistant.grounding.verifier import Stage, Verifier
from assistant.protocols import Embedder, PairClassifier, Vectors
from assistant.types import Tier
from evals.verifier.measures import Judgement
from evals.verifier.pairs import Pair

BATCH = 64
SAVED_EVERY = 60.0
"""Seconds of work that a kill may cost."""


class Memory:
    """Rows of numbers by what they were computed from, kept in one file between runs."""

    def __init__(self, path: Path | None, saved_every: float = SAVED_EVERY) -> None:
        """Read what an earlier run has left at `path`; write there every so many seconds."""
        self._path = path
        self._saved_every = saved_every
        self._saved_at = time.monotonic()
        self._rows: dict[str, Any] = {}
        if path and path.exists():
            with np.load(path, allow_pickle=False) as kept:
                self._rows = dict(zip(kept["keys"].tolist(), kept["rows"], strict=True))

    def rows(self, texts: Sequence[str], make: Callable[[list[str]], Vectors]) -> Vectors:
        """Return one row a text, made where it isn't known."""
        keys = [hashlib.sha256(text.encode()).hexdigest()[:24] for text in texts]
        missing = {
            key: text for key, text in zip(keys, texts, strict=True) if key not in self._rows
        }
        names = sorted(missing, key=lambda key: len(missing[key]))
        for start in range(0, len(names), BATCH):
            part = names[start : start + BATCH]
            for key, row in zip(part, make([missing[key] for key in part]), strict=True):
                self._rows[key] = np.asarray(row, np.float32)
            if time.monotonic() - self._saved_at > self._saved_every:
                self.save()
        return np.array([self._rows[key] for key in keys], np.float32)

    def save(self) -> None:
        """Write everything, whole or not at all."""
        if self._path is None or not self._rows:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial.npz")
        np.savez(partial, keys=np.array(list(self._rows)), rows=np.array(list(self._rows.values())))
        partial.replace(self._path)
        self._saved_at = time.monotonic()


@dataclass(frozen=True, kw_only=True)
class Models:
    """What the tiers read with; `judge` is the chat model's, if one is asked."""

    embedder: Embedder
    classifier: PairClassifier | None
    judge: Judge | None
    cache: Path | None = None


class Bench:
    """The verifier over pairs, its models' work remembered."""

    def __init__(self, models: Models) -> None:
        """Open the memories of each tier's model."""
        folder = models.cache
        self._models = models
        self._vectors = Memory(folder / "vectors.npz" if folder else None)
        self._classes = Memory(folder / "classes.npz" if folder else None)
        self._judge = _Remembering(models.judge, folder) if models.judge else None
        self.seconds = {"cross-encoder": 0.0}

    def verifier(self, stages: Mapping[Tier, Stage]) -> Verifier:
        """Return the product's verifier with the given calibration."""
        return Verifier(stages, self._embed, lambda: self if self._models.classifier else None)

    @property
    def judge(self) -> Judge | None:
        """The chat model's judgement, remembered."""
        return self._judge

    def judged(self, pairs: Sequence[Pair], stages: Mapping[Tier, Stage]) -> list[Judgement]:
        """Return the verifier's judgement of each pair."""
        verifier = self.verifier(stages)
        self.prepare(pairs)
        found = []
        for pair in tqdm(pairs, unit="pair", leave=False, disable=None):
            support = verifier.support(pair.claim, pair.evidence, judge=self.judge)
            found.append(
                Judgement(
                    pair=pair,
                    probability=support.score,
                    label=support.label,
                    tier=support.tier,
                )
            )
        return found

    def prepare(self, pairs: Sequence[Pair]) -> None:
        """Compute the vectors of all pairs at once, which is quicker than one by one."""
        texts = [text for pair in pairs for text in (pair.claim, focus(pair.claim, pair.evidence))]
        self._embed(texts)

    def cosine(self, claim: str, text: str) -> float:
        """Return the cosine of the two texts' vectors."""
        rows = self._embed([claim, text])
        return float(rows[0] @ rows[1])

    def save(self) -> None:
        """Keep what was computed for the next run."""
        for memory in (self._vectors, self._classes):
            memory.save()
        if self._judge is not None:
            self._judge.save()

    def classify(self, pairs: Sequence[tuple[str, str]]) -> Vectors:
        """Return the cross-encoder's probabilities, remembered."""
        classifier = self._models.classifier
        if classifier is None:
            raise RuntimeError("there is no cross-encoder to ask")
        model = classifier

        def make(texts: list[str]) -> Vectors:
            began = time.perf_counter()
            rows = model.classify([tuple(json.loads(text)) for text in texts])
            self.seconds["cross-encoder"] += time.perf_counter() - began
            return rows

        return self._classes.rows([json.dumps(pair) for pair in pairs], make)

    def _embed(self, texts: Sequence[str]) -> Vectors:
        return self._vectors.rows(texts, self._models.embedder.embed)


class _Remembering:
    """A judge whose findings are kept between runs, those of each model and prompt apart."""

    def __init__(self, judge: Judge, folder: Path | None) -> None:
        self.tier, self.name = judge.tier, judge.name
        self.is_asked_always = judge.is_asked_always
        self._judge = judge
        self.finds_names = judge.finds_names
        self._memory = Memory(folder / f"{judge.tier.replace(' ', '-')}.npz" if folder else None)

    def finds(self, claim: str, text: str) -> dict[str, float] | None:
        def make(texts: list[str]) -> Vectors:
            found = [self._judge.finds(*json.loads(one)[1:]) for one in texts]
            return np.array(
                [
                    [np.nan if one is None else one[name] for name in self.finds_names]
                    for one in found
                ],
                np.float32,
            )

        row = self._memory.rows([json.dumps([self.name, claim, text])], make)[0]
        if np.isnan(row).any():
            return None
        return dict(zip(self.finds_names, row.tolist(), strict=True))

    def save(self) -> None:
        self._memory.save()
