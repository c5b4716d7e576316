"""The bundled library: 140 summaries in the project's own words."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.readers import read_papers
from assistant.text.cleaning import title_key
from assistant.types import BUNDLED_SOURCE, Paper

FILE = Path(__file__).resolve().parents[1] / "assistant" / "data" / "library.jsonl"
LONGEST_SHARED_RUN = 8


@pytest.fixture(scope="module")
def bundled() -> list[Paper]:
    """Return the papers of the bundled library."""
    records = list(read_papers(FILE, source=BUNDLED_SOURCE))
    assert all(isinstance(record, Paper) for record in records)
    return records


@pytest.fixture(scope="module")
def originals(seeds: list[Path]) -> list[Paper]:
    """Return the papers of the seed pages."""
    return [record for path in seeds for record in read_papers(path) if isinstance(record, Paper)]


def test_header_says_what_it_is(bundled: list[Paper]) -> None:
    header, *lines = FILE.read_text(encoding="utf-8").splitlines()
    about = json.loads(header)
    assert set(about) == {"about", "records"}
    assert about["records"] == len(lines) == len(bundled) == 140
    assert "not the authors' text" in about["about"]
    assert all({"title", "abstract"} <= set(json.loads(line)) for line in lines)


def test_titles_are_unique_and_all_are_marked_as_summaries(bundled: list[Paper]) -> None:
    assert len({title_key(paper.title) for paper in bundled}) == 140
    assert len({paper.id for paper in bundled}) == 140
    assert all(paper.is_summary for paper in bundled)


def test_summaries_have_80_to_150_words(bundled: list[Paper]) -> None:
    lengths = {paper.title: len(paper.abstract.split()) for paper in bundled}
    assert {title: words for title, words in lengths.items() if not 80 <= words <= 150} == {}


def test_summaries_are_clean_text(bundled: list[Paper]) -> None:
    """Reading must change nothing: offsets refer to the text as it stands in the file."""
    assert [paper.title for paper in bundled if paper.raw_abstract] == []


def test_summaries_carry_nothing_that_a_prompt_could_mistake(bundled: list[Paper]) -> None:
    odd = re.compile(
        r"\[\d{1,2}\]|\$\w+|UNANSWERABLE|^(?:system|user):|ignore (?:all|previous)", re.I
    )
    assert [paper.title for paper in bundled if odd.search(paper.abstract)] == []


# --- against the originals, where they are at hand ------------------------------------------


def test_every_original_is_there_by_its_exact_title(
    bundled: list[Paper], originals: list[Paper]
) -> None:
    assert {paper.title for paper in originals} == {paper.title for paper in bundled}


def test_no_run_of_words_is_copied(bundled: list[Paper], originals: list[Paper]) -> None:
    """Of a run shared with an original, titles, names and figures don't count."""
    runs = {
        run for paper in originals for run in _runs([word for word, _ in _words(paper.abstract)])
    }
    titles = [[word for word, _ in _words(paper.title)] for paper in originals]
    copied = {
        paper.title: shared for paper in bundled for shared in _shared(paper.abstract, runs, titles)
    }
    assert copied == {}


def _words(text: str) -> list[tuple[str, bool]]:
    """Return the words in lower case, each with whether it is a name or a figure."""
    found = []
    for match in re.finditer(r"[^\W_]+(?:[-'’.][^\W_]+)*", text):
        word = match.group()
        starts = not match.start() or re.search(r"[.!?:]\s+[\"“(]*$", text[: match.start()])
        name = word[0].isupper() and not starts
        found.append((word.lower(), name or bool(re.search(r"\d|(?<=\w)[A-Z]", word))))
    return found


def _runs(words: list[str]) -> Iterator[tuple[str, ...]]:
    for start in range(len(words) - LONGEST_SHARED_RUN + 1):
        yield tuple(words[start : start + LONGEST_SHARED_RUN])


def _shared(text: str, runs: set[tuple[str, ...]], titles: list[list[str]]) -> Iterator[str]:
    """Yield what `text` shares with an original: runs with eight or more ordinary words."""
    words = _words(text)
    plain = [word for word, _ in words]
    free = {place for place, (_, named) in enumerate(words) if named}
    for title in titles:
        for start in range(len(plain) - len(title) + 1):
            if plain[start : start + len(title)] == title:
                free.update(range(start, start + len(title)))
    inside = [False] * len(words)
    for start, run in enumerate(_runs(plain)):
        if run in runs:
            inside[start : start + LONGEST_SHARED_RUN] = [True] * LONGEST_SHARED_RUN
    stretch: list[int] = []
    for place, shared in enumerate([*inside, False]):
        if shared:
            stretch.append(place)
            continue
        if len([one for one in stretch if one not in free]) >= LONGEST_SHARED_RUN:
            yield " ".join(plain[one] for one in stretch)
        stretch = []


def test_the_check_for_copies_sees_a_copy() -> None:
    text = "We tracked many bees with harmonic radar in dense fog at night."
    runs = set(_runs([word for word, _ in _words(text)]))
    assert list(_shared(f"In short, {text.lower()}", runs, [])) == [
        "we tracked many bees with harmonic radar in dense fog at night"
    ]
    assert list(_shared("We tracked many bees. They flew with radar in fog.", runs, [])) == []
    title = "many bees with harmonic radar in dense fog at night".split()
    assert list(_shared(text, runs, [title])) == []


def test_bundled_library_is_added_and_superseded_by_the_originals(
    tmp_path: Path, bundled: list[Paper], seeds: list[Path]
) -> None:
    from assistant.app import Assistant
    from assistant.settings import Settings

    settings = Settings(home=tmp_path, models=tmp_path, model="extractive", offline=True)
    with Assistant(settings) as assistant:
        assert assistant.add_bundled().added == 140
        assert str(assistant.add(*seeds)) == "140 added, 10 merged"
        assert assistant.count() == 140
        assert not any(paper.is_summary for paper in assistant.papers())
        assert assistant.add_bundled().unchanged == 140
    other = Settings(home=tmp_path / "b", models=tmp_path, model="extractive", offline=True)
    with Assistant(other) as assistant:
        assistant.add(*seeds)
        assert assistant.add_bundled().merged == 140
        assert assistant.count() == 140
