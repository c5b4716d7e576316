"""What tokens cost, by the list prices in `data/prices.json`."""

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=1)
def prices() -> Mapping[str, Mapping[str, float]]:
    """Return US dollars per million tokens, read and written, by the model's name."""
    path = files("assistant").joinpath("data", "prices.json")
    found: Mapping[str, Mapping[str, float]] = json.loads(path.read_text(encoding="utf-8"))["usd"]
    return found


def usd(model: str, tokens: Mapping[str, int]) -> float | None:
    """Return what a `Trace`'s tokens cost at that model; None where price or tokens are unknown."""
    price = prices().get(model)
    if price is None or not tokens.get("requests") or tokens.get("unreported"):
        return None
    spent = tokens["prompt"] * price["prompt"] + tokens["completion"] * price["completion"]
    return spent / 1_000_000
