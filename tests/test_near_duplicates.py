"""Near-duplicates: which records become candidates, and which of those may merge."""

import random
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.near_duplicates import BANDS, ROWS, band_keys, likeness
from assistant.types import Paper
from tests.samples import SAMPLE

HEDGES = (
    "Honeybees return to their hive over several kilometres, even where no sun is seen. We "
    "tracked 240 marked bees with harmonic radar in dense fog on four farms. Most of the bees "
    "followed hedges and ditches, and turned where two hedges met. Bees that were set down "
    "beyond the last hedge did not return within two hours. A model of the colour and the "
    "behaviour of landmarks explains 83.5% of the turns that we analysed. The bees therefore "
    "remember borders of fields, and fog alone does not lead them astray."
)
REPORT = (
    "This report describes all events that were noticed after vaccination against river fever in "
    "the district in {year}. Of {given} persons to whom the vaccine was given, {ill} were ill "
    "within a week, {sore} had a sore arm, and {well} noticed nothing at all. All persons that "
    "were ill recovered without treatment. No change to the recommended schedule is needed at "
    "present, and the office will go on watching and will report again next year."
)
COUNTS_2019 = {"given": 812, "ill": 12, "sore": 77, "well": 723}
COUNTS_2020 = {"given": 640, "ill": 15, "sore": 51, "well": 574}
VOCABULARY = [first + second for first in "bdfgklmnprst" for second in "a e i o u an en ir".split()]
made_words = st.lists(
    st.tuples(*[st.sampled_from(VOCABULARY)] * 3).map("".join), min_size=20, max_size=80
)


def paper(**fields: object) -> Paper:
    return Paper(**{"id": "", "title": "How Honeybees Find Home", "abstract": HEDGES, **fields})


def random_words(chance: random.Random, count: int) -> list[str]:
    return ["".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=9)) for _ in range(count)]


def candidates(one: Paper, other: Paper) -> bool:
    return not set(band_keys(one)).isdisjoint(band_keys(other))


def near(one: Paper, other: Paper) -> bool:
    score = likeness(one, other)
    assert score == likeness(other, one)
    assert score is None or 0.8 <= score <= 1
    return score is not None


def test_keys_are_the_same_everywhere() -> None:
    expected = (
        "near0:3ca2d0a2f13c",
        "near1:dca3a6ed7fa7",
        "near2:f243631bfc92",
        "near3:7047a16c0a21",
        "near4:0d216daf6613",
        "near5:b49dd0f7fe7c",
        "near6:87b822523e98",
        "near7:1f4157454b49",
    )
    assert band_keys(paper()) == expected
    code = (
        "from assistant.near_duplicates import band_keys; from assistant.types import Paper; "
        f"print(*band_keys(Paper(id='', title='', abstract={HEDGES!r})))"
    )
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert tuple(printed.split()) == expected


def test_only_the_abstract_makes_keys() -> None:
    other = paper(id="x", title="Another", year=1999, authors=("Ada Birch",), doi="10.1/a")
    assert band_keys(other) == band_keys(paper())


@pytest.mark.parametrize(
    "abstract", ["", "--- …", "Bees fly home.", " ".join(HEDGES.split()[:19]), "19 " * 19]
)
def test_a_short_abstract_has_no_keys_and_is_like_none(abstract: str) -> None:
    assert band_keys(paper(abstract=abstract)) == ()
    assert likeness(paper(abstract=abstract), paper(abstract=abstract)) is None


def test_twenty_words_are_enough() -> None:
    short = paper(abstract=" ".join(HEDGES.split()[:20]))
    assert len(band_keys(short)) == BANDS
    assert likeness(short, short) == 1.0


def test_a_very_long_text_is_cut() -> None:
    words = random_words(random.Random(1), 40_000)
    begun = paper(abstract=" ".join(words[:2000]))
    assert band_keys(paper(abstract=" ".join(words))) == band_keys(begun)


def test_bands_find_what_is_alike_and_leave_out_what_is_not() -> None:
    def chance(alike: float) -> float:
        return 1 - (1 - alike**ROWS) ** BANDS

    assert chance(0.8) >= 0.95
    assert chance(0.3) <= 0.02


@pytest.mark.parametrize(("changed", "least", "most"), [(14, 0.94, 0.98), (78, 0.005, 0.035)])
def test_hashes_find_as_often_as_chance_says(changed: int, least: float, most: float) -> None:
    # 14 other words among 150 leave a Jaccard similarity of .80 of the shingles, 78 one of .30.
    chance, pairs, found = random.Random(7), 1000, 0
    for _ in range(pairs):
        words = random_words(chance, 150)
        other = random_words(chance, changed) + words[changed:]
        one, two = (paper(abstract=" ".join(text)) for text in (words, other))
        found += candidates(one, two)
    assert least <= found / pairs <= most


def test_keys_take_little_time() -> None:
    usual = paper(abstract=" ".join(random_words(random.Random(2), 150)))
    seconds = []
    for _ in range(200):
        begun = time.perf_counter()
        band_keys(usual)
        seconds.append(time.perf_counter() - begun)
    # 80 µs where nothing else runs.
    assert min(seconds) < 0.0005


@given(made_words)
def test_a_paper_is_near_itself_where_it_has_keys(words: list[str]) -> None:
    one = paper(abstract=" ".join(words))
    assert len(set(band_keys(one))) == BANDS
    assert likeness(one, one) == 1.0


@given(st.text(max_size=400), st.text(max_size=40))
def test_any_text_has_all_keys_or_none(abstract: str, title: str) -> None:
    one = paper(title=title, abstract=abstract)
    assert len(band_keys(one)) in (0, BANDS)
    assert likeness(one, one) == (1.0 if band_keys(one) else None)


@given(made_words, st.data())
def test_likeness_is_symmetric(words: list[str], data: st.DataObject) -> None:
    spots = data.draw(st.lists(st.integers(0, len(words) - 1), max_size=4))
    title = data.draw(st.sampled_from(["How Honeybees Find Home", "", "Part 2", "How Bees Find"]))
    others = [word + "s" if spot in spots else word for spot, word in enumerate(words)]
    one, other = paper(abstract=" ".join(words)), paper(abstract=" ".join(others), title=title)
    assert likeness(one, other) == likeness(other, one)
    assert not near(one, other) or title != "Part 2"


@given(st.integers(), st.integers())
def test_unrelated_texts_are_never_near(one: int, other: int) -> None:
    first = paper(abstract=" ".join(random_words(random.Random(f"one {one}"), 60)))
    second = paper(abstract=" ".join(random_words(random.Random(f"other {other}"), 60)))
    assert not candidates(first, second)
    assert not near(first, second)


def test_made_up_papers_are_told_from_each_other() -> None:
    for one in SAMPLE:
        for other in SAMPLE:
            assert (likeness(one, other) is not None) is (one is other)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("The bees therefore remember", "© 2020 Elsevier Ltd. The bees therefore remember"),
        ("lead them astray.", "lead them astray. © 2020 Elsevier Ltd. All rights reserved."),
        ("lead them astray.", "lead them astray. Copyright (C) 2020 by the authors."),
        ("Honeybees return", "Background: Honeybees return"),
        ("We tracked", "METHODS: We tracked"),
        ("colour and the behaviour", "color and the behavior"),
        ("kilometres", "kilometers"),
        ("analysed", "analyzed"),
        ("hedges and ditches", "ditches or hedges"),
        ("83.5%", "83.7%"),
        ("83.5%", "83·5 %"),
        ("four farms", "4 farms"),
        (" and fog alone does not lead them astray.", ""),
        ("bees", "BEES"),
        ("bees", "bee's"),
        ("return", "re\u0301turn"),
    ],
)
def test_small_changes_to_the_abstract_leave_it_near(old: str, new: str) -> None:
    assert old in HEDGES
    changed = paper(abstract=HEDGES.replace(old, new))
    assert candidates(paper(), changed)
    assert near(paper(), changed)


def test_labels_of_sections_change_nothing() -> None:
    labelled = HEDGES.replace("We tracked", "METHODS: We tracked").replace("Most", "Results: Most")
    assert band_keys(paper(abstract=f"Background: {labelled}")) == band_keys(paper())


@pytest.mark.parametrize(
    "new",
    [
        "British colour, oedema, programme, catalogue, centre, defence, labelled and analysed",
        "American color, edema, program, catalog, center, defense, labeled and analyzed",
    ],
)
def test_british_and_american_spelling_are_one(new: str) -> None:
    plain = new.partition(" ")[2]
    american = "color, edema, program, catalog, center, defense, labeled and analyzed"
    one, other = paper(abstract=f"{HEDGES} {plain}"), paper(abstract=f"{HEDGES} {american}")
    assert likeness(one, other) == 1.0


def test_a_text_of_ideographs_is_compared_by_characters() -> None:
    text = "蜜蜂在浓雾中沿着树篱和沟渠返回蜂巢,我们用谐波雷达跟踪了二百四十只蜜蜂。"
    one, other = paper(abstract=text), paper(abstract=text.replace(",", "。"))
    assert likeness(one, other) == 1.0


def test_an_abstract_that_was_cut_is_near_and_a_mere_part_is_not() -> None:
    words = HEDGES.split()
    assert likeness(paper(), paper(abstract=" ".join(words[: len(words) * 7 // 10]))) == 1.0
    assert not near(paper(), paper(abstract=" ".join(words[: len(words) // 2])))


def test_likeness_is_the_share_of_the_shorter_text() -> None:
    words = random_words(random.Random(3), 42)
    # Of 40 shingles, three have the word that was changed.
    other = [*words[:20], "another", *words[21:]]
    one, two = (paper(abstract=" ".join(text)) for text in (words, other))
    assert likeness(one, two) == pytest.approx(37 / 40)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"doi": "10.1234/a"}, {"doi": "10.1234/b"}, False),
        ({"doi": "10.1234/a"}, {"doi": "10.1234/A"}, True),
        ({"doi": "10.1234/a"}, {}, True),
        ({"doi": "10.1234/a"}, {"pmid": "7"}, True),
        ({"doi": "10.1234/a"}, {"doi": "10.48550/arxiv.2101.00001"}, True),
        ({"arxiv_id": "2101.00001"}, {"doi": "10.48550/arXiv.2101.00001v2"}, True),
        ({"arxiv_id": "2101.00001"}, {"doi": "10.48550/arxiv.2101.00002"}, False),
        ({"arxiv_id": "2101.00001"}, {"doi": "10.1234/a"}, True),
        ({"arxiv_id": "2101.00001"}, {"arxiv_id": "2101.00002"}, False),
        ({"arxiv_id": "2101.00001"}, {"arxiv_id": "2101.00001v3"}, True),
        ({"pmid": "7"}, {"pmid": "8"}, False),
        ({"pmid": "7", "doi": "10.1234/a"}, {"pmid": "8", "doi": "10.1234/a"}, False),
        ({"year": 2020}, {"year": 2021}, True),
        ({"year": 2020}, {"year": 2022}, False),
        ({"year": 2020}, {}, True),
    ],
)
def test_identifiers_and_years(
    one: dict[str, object], other: dict[str, object], same: bool
) -> None:
    assert near(paper(**one), paper(**other)) is same


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ada Birch", "A. Birch", True),
        ("Ada Birch", "Birch, Ada", True),
        ("Ada Birch", "Birch A", True),
        ("Ada Birch Jr.", "Ada Birch", True),
        ("Wei Wang", "Wang Wei", True),
        ("Jörg Müller", "Joerg Mueller", True),
        ("José Muñoz", "JOSE MUNOZ", True),
        ("Ana Garcia Lopez", "Ana Garcia", True),
        ("Jan van der Berg", "Berg, Jan van der", True),
        ("Ada Birch", "Ada Oak", False),
        ("Ada Birch", "Ben Oak", False),
        ("Ada Birch", "", True),
    ],
)
def test_first_authors(one: str, other: str, same: bool) -> None:
    assert near(paper(authors=(one, "Cleo Reel")), paper(authors=(other, "Cleo Reel"))) is same


def test_only_the_first_author_counts() -> None:
    assert near(paper(authors=("Ada Birch", "Ben Oak")), paper(authors=("Ada Birch",)))
    assert near(paper(authors=("Ada Birch",)), paper())


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("How Honeybees Find Home", "HOW HONEYBEES FIND HOME.", True),
        ("How Honeybees Find Home", "How Honeybees Find Their Home", True),
        ("How Honeybees Find Home", "How Honeybees Find Hoem", True),
        ("Honeybees in Fog", "Honeybeees in Fog", True),
        ("Multi-agent foraging", "Multiagent foraging", True),
        ("Honeybees' homing", "Honeybees homing", True),
        ("Colour vision of bees", "Color vision of bees", True),
        ("Hedges", "Hedges: How Honeybees Find Home Where No Sun Is Seen", True),
        ("How Honeybees Find Home", "Tide Tables of Northern Harbours", False),
        ("How Honeybees Find Home", "How Wasps Leave Home", False),
        ("Hedges", "How Wasps Remember Hedgerows", False),
        ("Honeybees, Part I", "Honeybees, Part II", False),
        ("Honeybees, Part 2", "Honeybees, Part II", True),
        ("Honeybees", "Honeybees II", False),
        ("Homing of honeybees in 2019", "Homing of honeybees in 2020", False),
        ("Homing of honeybees in 2019", "Homing of honeybees", False),
        ("COVID-19 in northern apiaries", "COVID19 in northern apiaries", True),
        ("Mites of honeybees: group A", "Mites of honeybees: group B", False),
        ("Honeybees: second report", "Honeybees: third report", False),
        ("Honeybees: a two-year study", "Honeybees", True),
        ("How Honeybees Find Home", "Erratum: How Honeybees Find Home", False),
        ("How Honeybees Find Home", "Reply to “How Honeybees Find Home”", False),
        ("Response of Bees to Fog", "Response of bees to fog", True),
    ],
)
def test_titles(one: str, other: str, same: bool) -> None:
    assert near(paper(title=one), paper(title=other)) is same


def test_without_a_title_the_abstracts_must_be_nearer() -> None:
    words = HEDGES.split()
    some = " ".join([*words[:40], "rarely", *words[41:60], "often", *words[61:]])
    more = " ".join([*words[:20], "slowly", *words[21:30], "rarely", *words[31:40], "often"])
    few, many = paper(abstract=some), paper(abstract=f"{more} {' '.join(words[41:])} seldom")
    assert near(paper(), few)
    assert near(paper(), many)
    for untitled in ("", "—"):
        assert near(paper(), replace(few, title=untitled))
        assert not near(paper(), replace(many, title=untitled))
        assert near(paper(title=""), replace(few, title=untitled))


def test_reports_with_other_figures_in_the_same_words_are_two() -> None:
    def report(year: int, counts: dict[str, int]) -> Paper:
        text = REPORT.format(year=year, **counts)
        return paper(title="Safety of the vaccine against river fever", abstract=text)

    one = report(2019, COUNTS_2019)
    assert near(one, one)
    assert not near(one, report(2020, COUNTS_2020))


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("12 ill, 77 sore, 812 given", "12 ill, 77 sore, 812 given", True),
        ("12 ill, 77 sore, 812 given", "15 ill, 51 sore, 812 given", True),
        ("12 ill, 77 sore, 812 given, 5 sick", "15 ill, 51 sore, 640 given, 5 sick", False),
        ("12 ill, 77 sore", "15 ill, 51 sore", False),
        ("12 ill", "15 ill", True),
        ("twelve ill, three sore, 5 sick", "12 ill, 3 sore, five sick", True),
        ("twelve ill, three sore", "eleven ill, four sore", False),
        ("12,000 ill, 5,000 sore, 3,400 well", "12000 ill, 5000 sore, 3400 well", True),
        ("12,000 ill, 5,000 sore, 3,400 well", "12 000 ill, 5 000 sore, 3 400 well", True),
        ("0.5 ill, 1.5 sore, 2.5 well", "0·5 ill, 1·5 sore, 2·5 well", True),
        ("0.5 ill, 1.5 sore, 2.5 well", "0.6 ill, 1.6 sore, 2.6 well", False),
        ("12 ill in 2019", "12 ill in 2020", False),
        ("12 ill", "12 ill, 77 sore, 812 given, 640 well", True),
    ],
)
def test_numbers(first: str, second: str, same: bool) -> None:
    text = HEDGES.replace("240 ", "").replace("83.5% of ", "").replace("two ", "")
    text = text.replace("four ", "")
    fill = " ".join(random_words(random.Random(4), 60))
    assert near(*(paper(abstract=f"{text} {part} {fill}") for part in (first, second))) is same


def test_the_year_of_the_copyright_is_no_figure() -> None:
    one, other = (f"{HEDGES} © {year} Elsevier Ltd." for year in (2019, 2020))
    assert near(paper(abstract=one), paper(abstract=other))


def test_a_subject_exchanged_in_title_and_abstract_tells_two_papers() -> None:
    text = f"{HEDGES} The same holds for rats."
    one = paper(title="How a landmark leads rats home", abstract=text)
    other = paper(
        title="How a landmark leads mice home", abstract=text.replace("for rats", "for mice")
    )
    assert not near(one, other)
    assert near(one, replace(other, abstract=text))
