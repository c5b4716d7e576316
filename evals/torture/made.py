"""Made-up papers, and the folder of files that they come in."""

import json
import random
from pathlib import Path

_WORDS = (
    "alder birch cedar delta ember fjord glade heath inlet juniper kelp larch marsh nettle otter "
    "poplar quartz reed spruce thistle umber vale willow yarrow zinc amber basalt cobalt dune"
).split()

Texts = dict[str, str]
"""Abstracts by title."""


def made_up(count: int, chance: random.Random, first: int = 0) -> Texts:
    """Return `count` papers, whose titles are numbered from `first`."""
    return {
        f"Study {number} of {chance.choice(_WORDS)}": text(chance)
        for number in range(first, first + count)
    }


def text(chance: random.Random) -> str:
    """Return an abstract that no other paper has."""
    words = [chance.choice(_WORDS) for _ in range(40)]
    return f"We measured {chance.randrange(10**9)} times. " + " ".join(words).capitalize() + "."


def edited(papers: Texts, chance: random.Random) -> Texts:
    """Return the papers with the text of each third one changed."""
    return {
        title: text(chance) if number % 3 == 0 else old
        for number, (title, old) in enumerate(papers.items())
    }


def write(path: Path, papers: Texts) -> None:
    """Write papers as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"title": title, "abstract": body}) for title, body in papers.items()]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_overlapping(folder: Path, papers: Texts) -> None:
    """Write two files that share a sixth of the papers."""
    titles = list(papers)
    write(folder / "a.jsonl", {title: papers[title] for title in titles[: len(titles) // 2]})
    write(folder / "b.jsonl", {title: papers[title] for title in titles[len(titles) // 3 :]})
