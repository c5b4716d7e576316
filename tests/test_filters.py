"""Filters by metadata: their language, their meaning, and what the indexes are told of them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.errors import FilterError
from assistant.filters import (
    And,
    FieldHas,
    Filter,
    IdIs,
    Not,
    Or,
    YearIs,
    combined,
    matches,
    parse_filter,
    required,
    satisfied,
    tags,
    to_text,
)
from assistant.types import AllOf, AnyOf, HasTag, Paper, YearBetween

PAPER = Paper(
    id="doi:10.1000/xyz",
    title="Bees in the Fog",
    abstract="Bees fly home.",
    authors=("Jane Q. Smith", "Müller, Jörg", "K. de la Cruz"),
    year=2020,
    venue="Proceedings of the 12th Conference on Bees (BeeConf)",
    doi="10.1000/xyz",
    arxiv_id="2101.00001",
    pmid="31000001",
    topics=("cs.LG", "Machine learning"),
    source="refs.bib",
)
SOURCES = ("refs.bib", "export/scopus 2024.csv")


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("year:2020", True),
        ("year=2020", True),
        ("year>=2020", True),
        ("year>2020", False),
        ("year<2021", True),
        ("year<=2019", False),
        ("year:2018..2020", True),
        ("year:2018..", True),
        ("year:..2019", False),
        ("year<1", False),
        ("year:0", False),
        ("year:0..2020", True),
        ("author:smith", True),
        ('author:"jane smith"', True),
        ('author:"Smith, J."', True),
        ('author:"smith müller"', False),
        ("author:MULLER", True),
        ('author:"kate cruz"', True),
        ('author:"anna cruz"', False),
        ("author:smi", False),
        ("author:quinn", False),
        ('author:"quinn smith"', True),
        ('author:"kate jones"', False),
        ("author:j", True),
        ("author:x", False),
        ("venue:beeconf", True),
        ('venue:"conference bees"', True),
        ("venue:nature", False),
        ("topic:cs.LG", True),
        ("topic:cs", True),
        ("topic:learning", True),
        ('topic:"cs learning"', False),
        ("source:refs.bib", True),
        ("source:scopus", True),
        ("source:zotero", False),
        ("title:fog", True),
        ("title:fig", False),
        ("id:10.1000/XYZ", True),
        ("id:doi:10.1000/xyz", True),
        ("id:https://doi.org/10.1000/xyz", True),
        ("id:2101.00001v3", True),
        ("id:arXiv:2101.00001", True),
        ("id:31000001", True),
        ("id:pmid:31000001", True),
        ("id:31000002", False),
        ("id:https://pubmed.ncbi.nlm.nih.gov/31000001/", True),
        ("id:https://www.ncbi.nlm.nih.gov/pubmed/31000001", True),
        ('id:"PMID 31000001"', True),
        ("id:https://arxiv.org/abs/2101.00001v2", True),
        ("id:2101.000015", False),
        ("id:arXiv:2101.000015", False),
        ("id:31000002 or id:31000001", True),
        ("not author:smith", False),
        ("-author:jones", True),
        ("author:smith year:2020", True),
        ("author:smith AND NOT year:2020", False),
        ("author:jones or year:2020", True),
        ("author:jones or year:2020 and venue:nature", False),
        ("(author:jones or year:2020) and venue:beeconf", True),
        ("not (author:jones or venue:nature)", True),
    ],
)
def test_what_passes(text: str, *, passes: bool) -> None:
    one = parse_filter(text)
    assert matches(one, PAPER, SOURCES) is passes
    assert matches(Not(one), PAPER, SOURCES) is not passes
    if passes:
        assert satisfied(required(one), set(tags(PAPER, SOURCES)), PAPER.year)


def test_paper_without_a_year_is_in_no_span_of_years() -> None:
    for text in ("year:2020", "year>=1", "year<=3000"):
        assert not matches(parse_filter(text), replace(PAPER, year=None))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "at the end"),
        ("bees", "at “bees”"),
        ("colour:red", "no field “colour”"),
        ("year:soon", "a year is like"),
        ("year:..", "a year is like"),
        ("year<0", "a year is like"),
        ("year>9999", "a year is like"),
        ("year>=2018..2020", "a year is like"),
        ("author>smith", "compares years only"),
        ("author:", "can't be read|expected"),
        ('author:"..."', "no word"),
        ("(author:smith", "expected “[)]”"),
        ("author:smith)", "expected “and”"),
        ("author:smith or", "at the end"),
        ("not", "at the end"),
        ("(" * 10_000, "4,000"),
        ("(" * 900, "levels"),
        ("not " * 900, "levels"),
    ],
)
def test_mistakes_are_named_with_an_example(text: str, what: str) -> None:
    with pytest.raises(FilterError, match=what):
        parse_filter(text)


def test_tags_are_words() -> None:
    found = tags(PAPER, SOURCES)
    assert found == sorted(set(found))
    assert {
        "author:smith", "author:q", "author:muller", "venue:beeconf", "topic:lg", "source:scopus",
        "id:10.1000/xyz", "id:doi:10.1000/xyz", "id:2101.00001", "id:31000001",
    } <= set(found)  # fmt: skip


def test_what_the_indexes_are_told() -> None:
    assert required(parse_filter("year:2018..2020 and venue:bees")) == AllOf(
        (YearBetween(2018, 2020), HasTag("venue:bees"))
    )
    assert required(parse_filter("author:smith")) == HasTag("author:smith")
    assert required(parse_filter('author:"j smith"')) == HasTag("author:smith")
    assert required(parse_filter('author:"jane smith"')) == AllOf(
        (
            AnyOf((HasTag("author:jane"), HasTag("author:smith"))),
            AnyOf((HasTag("author:jane"), HasTag("author:j"))),
            AnyOf((HasTag("author:smith"), HasTag("author:s"))),
        )
    )
    assert required(parse_filter("author:s")) is None
    assert required(parse_filter("not venue:bees")) is None
    assert required(parse_filter("venue:bees or title:fog")) is None
    assert required(parse_filter("venue:bees and title:fog")) == HasTag("venue:bees")


def test_an_initial_stands_for_a_given_name_beside_a_surname() -> None:
    kumar = replace(PAPER, authors=("S. Kumar", "Kumar, J. S."))
    for text in ("author:smith", 'author:"jane smith"', 'author:"smith, jane"'):
        assert not matches(parse_filter(text), kumar)
    short = replace(PAPER, authors=("J. Smith",))
    for text in ('author:"jane smith"', 'author:"smith, jane"', 'author:"j smith"'):
        assert matches(parse_filter(text), short)


def test_several_ids_are_one_filter_in_text_too() -> None:
    one = combined(ids=["a", "b"], year="2020")
    assert one is not None
    assert parse_filter(to_text(one)) == one
    assert parse_filter("(id:a or id:b) or id:c") == IdIs(("a", "b", "c"))


def test_options_of_a_command_hold_together() -> None:
    assert combined() is None
    assert combined(year="2020") == YearIs(2020, 2020)
    assert combined(year=">=2020", author=["smith", "muller"], ids=["a", "b"]) == And(
        (
            YearIs(2020, None),
            FieldHas("author", "smith"),
            FieldHas("author", "muller"),
            IdIs(("a", "b")),
        )
    )
    assert combined(where="year:2020", topic=["cs"]) == And(
        (YearIs(2020, 2020), FieldHas("topic", "cs"))
    )
    for wrong in ({"year": "soon"}, {"author": ["…"]}, {"where": "("}):
        with pytest.raises(FilterError):
            combined(**wrong)  # type: ignore[arg-type]


NAMES = st.sampled_from("jane j smith s müller de cruz k".split())
YEARS = st.none() | st.integers(0, 2100)
LEAVES = (
    st.tuples(YEARS, YEARS)
    .filter(lambda ends: ends != (None, None))
    .map(lambda ends: YearIs(*ends))
    | st.builds(
        FieldHas,
        st.sampled_from(["author", "venue", "topic", "source", "title"]),
        st.lists(NAMES, min_size=1, max_size=3).map(" ".join) | st.just('a "b" \\ c'),
    )
    | st.lists(st.sampled_from(["10.1/a", "2101.00001", "7", "x y"]), min_size=1, max_size=2).map(
        lambda ids: IdIs(tuple(ids))
    )
)


def _groups(inner: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    several = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.builds(Not, inner) | st.builds(And, several) | st.builds(Or, several)


FILTERS = st.recursive(LEAVES, _groups, max_leaves=8)
PAPERS = st.builds(
    Paper,
    id=st.sampled_from(["7", "doi:10.1/a", "hash:1"]),
    title=st.lists(NAMES, max_size=3).map(" ".join),
    abstract=st.just(""),
    authors=st.lists(st.lists(NAMES, min_size=1, max_size=3).map(" ".join), max_size=3).map(tuple),
    year=YEARS,
    venue=st.lists(NAMES, max_size=3).map(" ".join),
    doi=st.sampled_from(["", "10.1/a"]),
    arxiv_id=st.sampled_from(["", "2101.00001"]),
    topics=st.lists(NAMES, max_size=2).map(tuple),
    source=NAMES,
)


@given(FILTERS, PAPERS, st.lists(NAMES, max_size=2))
def test_no_paper_that_passes_is_kept_from_the_search(
    one: Filter, paper: Paper, sources: list[str]
) -> None:
    if matches(one, paper, sources):
        assert satisfied(required(one), set(tags(paper, sources)), paper.year)


@given(FILTERS, PAPERS)
def test_a_filter_written_out_means_the_same(one: Filter, paper: Paper) -> None:
    again = parse_filter(to_text(one))
    assert matches(again, paper) == matches(one, paper)
    assert parse_filter(to_text(again)) == again


@given(FILTERS, FILTERS, PAPERS)
def test_groups_follow_the_algebra_of_sets(one: Filter, other: Filter, paper: Paper) -> None:
    first, second = matches(one, paper), matches(other, paper)
    assert matches(Not(one), paper) is not first
    assert matches(And((one, other)), paper) is (first and second)
    assert matches(Or((one, other)), paper) is (first or second)


@given(st.text(max_size=60) | st.text('()-:"\\ yearautho><=.12', max_size=40))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        one = parse_filter(text)
    except FilterError as error:
        assert "write for example" in str(error)  # noqa: PT017 - either way is right
    else:
        assert parse_filter(to_text(one)) == one
