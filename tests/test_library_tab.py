"""What the Library tab shows and does, without a browser."""

import gzip
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as with_any
from hypothesis import strategies as st

from assistant.app import Assistant
from assistant.errors import FilterError, InputError
from assistant.mapping import Dot, LibraryMap
from assistant.readers import read_papers
from assistant.types import Paper
from assistant.web.library import adding, exporting
from assistant.web.library.atlas import Atlas
from assistant.web.library.facets import counted, kept
from assistant.web.library.figure import figure, legend_html, map_note
from assistant.web.library.paper import paper_html
from assistant.web.library.shelf import Shelf, Shelves
from assistant.web.library.table import facets_html, selection_html, table_html
from assistant.web.library.view import PAGE, View, acted, asked, ordered, page_count
from tests.samples import SAMPLE

HOSTILE = "<script>alert(1)</script>\"'&{{value}} ${value} `x` [a](javascript:b)"


def paper(number: int, **fields: Any) -> Paper:
    values = {"id": f"p{number}", "title": f"Title {number}", "abstract": "An abstract."}
    return Paper(**{**values, **fields})


PAPERS = (
    paper(1, title="beta", year=2020, topics=("cs.LG", "cs.CL"), source="a.bib"),
    paper(2, title="Alpha", year=2021, topics=("cs.LG",), source="a.bib", authors=("Zoe Young",)),
    paper(3, title="gamma", topics=("cs.CV",), source="b.ris", authors=("Al Adams",)),
    paper(4, title="delta", year=2020, source="b.ris", venue="Nature"),
)
SHELF = Shelf(generation=1, papers=PAPERS, sources={"p1": ["a.bib", "b.ris"]})


def ids(papers: list[Paper]) -> str:
    return " ".join(one.id for one in papers)


class TestOrder:
    def test_the_newest_come_first(self) -> None:
        assert ids(ordered(PAPERS, View())) == "p4 p3 p2 p1"

    def test_what_was_searched_stays_in_the_order_of_relevance(self) -> None:
        assert ids(ordered(PAPERS, View(words="x"))) == "p1 p2 p3 p4"

    @pytest.mark.parametrize(
        ("sort", "up", "down"),
        [
            ("title", "p2 p1 p4 p3", "p3 p4 p1 p2"),
            ("year", "p1 p4 p2 p3", "p2 p1 p4 p3"),
            ("authors", "p3 p2 p1 p4", "p2 p3 p1 p4"),
            ("venue", "p4 p1 p2 p3", "p4 p1 p2 p3"),
        ],
    )
    def test_what_lacks_the_value_comes_last_either_way(
        self, sort: str, up: str, down: str
    ) -> None:
        assert ids(ordered(PAPERS, View(sort=sort))) == up
        assert ids(ordered(PAPERS, View(sort=sort, descending=True))) == down

    @with_any(st.integers(0, 10_000))
    def test_pages_hold_all_papers(self, papers: int) -> None:
        assert (page_count(papers) - 1) * PAGE < max(papers, 1) <= page_count(papers) * PAGE


class TestClicks:
    def test_a_column_goes_up_then_down_then_back(self) -> None:
        view, seen = View(page=3), []
        for _ in range(3):
            view = acted(view, {"act": "sort", "value": "year"})
            seen.append((view.sort, view.descending, view.page))
        assert seen == [("year", False, 1), ("year", True, 1), ("", False, 1)]

    def test_a_facet_goes_on_and_off(self) -> None:
        click = {"act": "facet", "facet": "year", "value": "2020"}
        once = acted(View(page=2), click)
        assert (once.facets, once.page) == ({("year", "2020")}, 1)
        assert acted(once, click).facets == frozenset()
        assert acted(once, {"act": "facets-off"}).facets == frozenset()

    def test_the_ticks_of_a_page_are_told_whole(self) -> None:
        view = View(selected=frozenset({"far", "a"}))
        told = {"act": "select", "shown": ["a", "b"], "checked": ["b"]}
        assert acted(view, told).selected == {"far", "b"}
        assert acted(acted(view, told), told).selected == {"far", "b"}
        assert acted(view, {"act": "select-none"}).selected == frozenset()

    def test_other_words_begin_at_the_first_page(self) -> None:
        assert asked(View(page=3), "new", "").page == 1
        assert asked(View(page=3, words="w"), "w", "").page == 3

    anything = st.recursive(
        st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)
    )

    @with_any(
        st.dictionaries(st.sampled_from("act value facet shown checked x".split()), anything)
        | st.fixed_dictionaries(
            {
                "act": st.sampled_from("sort page facet facets-off select open".split()),
                "value": anything,
                "facet": anything,
                "shown": anything,
            }
        )
    )
    def test_nonsense_does_no_harm(self, data: dict[str, Any]) -> None:
        view = acted(View(), data)
        assert view.page >= 1
        assert table_html(PAPERS, view, SHELF)


class TestFacets:
    def counts(self, chosen: Any = frozenset()) -> dict[str, str]:
        found = counted(PAPERS, chosen, SHELF, {"p1": "dogs", "p3": "cats"})
        return {
            facet: " ".join(f"{one.value}:{one.papers}{'*' * one.chosen}" for one in each)
            for facet, each in found.items()
        }

    def test_every_value_is_counted(self) -> None:
        assert self.counts() == {
            "year": "2021:1 2020:2",
            "topic": "cs.LG:2 cs.CL:1 cs.CV:1",
            "source": "b.ris:3 a.bib:2",
            "cluster": "cats:1 dogs:1",
        }

    def test_a_choice_narrows_the_other_facets_and_not_its_own(self) -> None:
        assert self.counts({("year", "2020")}) == {
            "year": "2021:1 2020:2*",
            "topic": "cs.CL:1 cs.LG:1",
            "source": "b.ris:2 a.bib:1",
            "cluster": "dogs:1",
        }

    def test_values_of_one_facet_add_up_and_facets_narrow(self) -> None:
        def left(*chosen: Any) -> str:
            return ids(kept(PAPERS, set(chosen), SHELF, {}))

        assert left(("year", "2020"), ("year", "2021")) == "p1 p2 p4"
        assert left(("year", "2020"), ("source", "a.bib")) == "p1"
        assert left(("topic", "cs.LG"), ("topic", "cs.CV")) == "p1 p2 p3"
        assert left(("cluster", "dogs")) == ""

    def test_what_is_chosen_stays_in_sight(self) -> None:
        many = tuple(paper(at, topics=(f"t{at:02}",)) for at in range(20))
        found = counted(many, {("topic", "t19")}, Shelf(generation=1, papers=many), {})
        shown = facets_html(found).partition("<details>")[0]
        assert 'data-value="t19" aria-pressed="true"' in shown


class TestMarkup:
    def test_text_of_papers_is_inert(self) -> None:
        hostile = paper(
            1,
            id=HOSTILE,
            title=HOSTILE,
            abstract=HOSTILE,
            authors=(HOSTILE,),
            venue=HOSTILE,
            topics=(HOSTILE,),
            source=HOSTILE,
            url="javascript:alert(1)",
        )
        shelf = Shelf(generation=1, papers=(hostile,))
        counts = counted([hostile], {("topic", HOSTILE)}, shelf, {HOSTILE: HOSTILE})
        for markup in (
            table_html([hostile], View(selected=frozenset({HOSTILE})), shelf),
            facets_html(counts),
            paper_html(hostile, [HOSTILE]),
        ):
            for bad in ("<script", "javascript:", "{{", "${", "`", "[a]"):
                assert bad not in markup

    def test_empty_states_tell_the_next_step(self) -> None:
        assert "Add papers" in table_html([], View(), Shelf(generation=1, papers=()))
        assert "Show all" in table_html([], View(words="x"), SHELF)
        assert "tick some" in selection_html(0)
        assert "no longer" in paper_html(None)
        assert "Add papers" in map_note(LibraryMap(dots=(), names=(), papers=0), {})
        assert "assistant index" in map_note(LibraryMap(dots=(), names=(), papers=3), {})

    def test_a_page_of_many_has_its_rows_only(self) -> None:
        many = tuple(paper(at) for at in range(60))
        shelf = Shelf(generation=1, papers=many)
        assert table_html(many, View(), shelf).count("<tr><td") == PAGE
        last = table_html(many, View(page=99), shelf)
        assert last.count("<tr><td") == 10
        assert "51–60 of 60" in last

    def test_a_column_that_no_paper_fills_is_left_out(self) -> None:
        many = (paper(1, year=2020),)
        markup = table_html(many, View(sort="year"), Shelf(generation=1, papers=many))
        assert 'class="year" scope="col" aria-sort="ascending"' in markup
        assert "Venue" not in markup


class TestShelves:
    def test_words_and_filter_choose(self, quoting: Callable[..., Assistant]) -> None:
        shelves = Shelves(quoting())
        first = SAMPLE[0]
        assert len(shelves.matching("", "")) == len(SAMPLE)
        assert first.id in {one.id for one in shelves.matching(first.title, "")}
        assert [one.id for one in shelves.matching("", f'id:"{first.id}"')] == [first.id]
        assert [one.id for one in shelves.matching(first.title, f'id:"{first.id}"')] == [first.id]
        assert shelves.matching("xylophonic", "") == ()
        with pytest.raises(FilterError):
            shelves.matching("", "year>>2")

    def test_a_change_of_the_library_shows(self, library: Callable[..., Assistant]) -> None:
        assistant = library(SAMPLE[:2])
        shelves = Shelves(assistant)
        assert len(shelves.matching("", "")) == 2
        assistant.add_papers(SAMPLE[2:3])
        assert len(shelves.matching("", "")) == 3
        assert shelves.latest().sources_of(SAMPLE[2])


def added(assistant: Assistant, *files: adding.Given) -> adding.Addition:
    addition = adding.Addition(assistant, files)
    until = time.monotonic() + 60
    while addition.is_running(0.1):
        assert time.monotonic() < until
    return addition


RECORD = {"title": "Wombats dig", "abstract": "Wombats dig burrows at night.", "year": 2019}
LINES = "\n".join([json.dumps(RECORD), "{broken", json.dumps({"title": "No abstract"})])


class TestAdding:
    def test_skipped_records_are_told_with_file_and_line(
        self, library: Callable[..., Assistant], tmp_path: Path
    ) -> None:
        upload = tmp_path / "8f2c" / "mine.jsonl"
        upload.parent.mkdir()
        upload.write_text(LINES)
        assistant = library(())
        [file] = adding.given([str(upload)], "")
        addition = added(assistant, file)
        report = adding.report_html(addition)
        assert "1 added, 2 skipped." in report
        assert "mine&#46;jsonl, line 2:" in report or "mine.jsonl, line 2&#58;" in report
        assert str(tmp_path) not in report
        assert not upload.exists(), "an upload is a copy and goes"
        assert [one.source for one in assistant.papers()] == ["mine.jsonl"]
        assert assistant.catalog.todo_count("vectors") == 0

    def test_pasted_records_go_in(self, library: Callable[..., Assistant]) -> None:
        assistant = library(())
        [file] = adding.given([], json.dumps(RECORD))
        added(assistant, file)
        assert [one.source for one in assistant.papers()] == [adding.PASTED]

    def test_a_file_of_no_known_format_is_told_and_others_go_in(
        self, library: Callable[..., Assistant]
    ) -> None:
        assistant = library(())
        addition = added(
            assistant,
            adding.Given(name="photo.txt", content=b"\x89PNG\r\n\x1a\n\0\0\0"),
            adding.Given(name="ok.jsonl.gz", content=gzip.compress(json.dumps(RECORD).encode())),
        )
        report = adding.report_html(addition)
        assert "1 added, 1 skipped." in report
        assert "photo.txt&#58; " in report
        assert "line 0" not in report

    def test_where_nothing_went_in_it_says_so(self, library: Callable[..., Assistant]) -> None:
        addition = added(library(()), adding.Given(name="no.txt", content=b"nothing here"))
        assert "Nothing was added" in adding.report_html(addition)

    def test_a_lost_upload_is_told(self, library: Callable[..., Assistant], tmp_path: Path) -> None:
        lost = adding.Given(name="lost.bib", path=tmp_path / "lost.bib")
        assert "upload it again" in adding.report_html(added(library(()), lost))

    def test_progress_counts_records_and_what_is_to_be_embedded(
        self, library: Callable[..., Assistant]
    ) -> None:
        addition = added(library(()), adding.Given(name="a.jsonl", content=LINES.encode()))
        assert addition.read == 3
        assert "1,200 papers still" in adding.progress_html(addition, 1_200)

    @pytest.mark.parametrize(
        ("names", "pasted", "message"),
        [
            ([], "  ", "nothing to add"),
            (["a.pdf"], "", "a.pdf: files of this kind"),
            (["a.bib"] * (adding.MOST_FILES + 1), "", "51 files"),
            ([], "x" * (adding.MOST_PASTED + 1), "5,000,001 characters"),
        ],
    )
    def test_what_is_too_much_or_of_no_use_is_refused(
        self, tmp_path: Path, names: list[str], pasted: str, message: str
    ) -> None:
        for name in names:
            (tmp_path / name).touch()
        with pytest.raises(InputError, match=message):
            adding.given([str(tmp_path / name) for name in names], pasted)

    def test_a_huge_file_is_refused(self, tmp_path: Path) -> None:
        huge = tmp_path / "huge.bib"
        with huge.open("wb") as file:
            file.truncate(adding.MOST_MEGABYTES * 1_000_000 + 1)  # Sparse: it takes no space.
        with pytest.raises(InputError, match=r"huge\.bib: is larger than 100 MB"):
            adding.given([str(huge)], "")


class TestExporting:
    @pytest.mark.parametrize("kind", exporting.KINDS.values())
    def test_what_is_exported_can_be_read_again(
        self, quoting: Callable[..., Assistant], kind: str
    ) -> None:
        wanted = [SAMPLE[2].id, SAMPLE[0].id, "gone"]
        path = exporting.export_file(quoting(), "selected", kind, wanted)
        assert path.stem == "selected-papers"
        found = [one.title for one in read_papers(path) if isinstance(one, Paper)]
        assert found == [SAMPLE[2].title, SAMPLE[0].title]

    @pytest.mark.parametrize(
        ("scope", "message"),
        [("selected", "tick papers"), ("cited", "ask a question"), ("shown", "Show all")],
    )
    def test_nothing_to_export_tells_the_next_step(
        self, quoting: Callable[..., Assistant], scope: str, message: str
    ) -> None:
        with pytest.raises(InputError, match=message):
            exporting.export_file(quoting(), scope, "bibtex", [])

    @pytest.mark.parametrize(("scope", "kind"), [("../x", "bibtex"), ("selected", "../x")])
    def test_nonsense_names_no_file(
        self, quoting: Callable[..., Assistant], scope: str, kind: str
    ) -> None:
        with pytest.raises(InputError, match="can't be exported"):
            exporting.export_file(quoting(), scope, kind, ["x"])


class TestAtlas:
    def test_a_map_is_drawn_once_and_kept(self, library: Callable[..., Assistant]) -> None:
        assistant = library(SAMPLE)
        drawing = Atlas(assistant).current()
        chart = drawing.future.result(60)
        assert {dot.paper_id for dot in chart.dots} == {one.id for one in SAMPLE}
        stored = assistant.catalog.folder / "map.json"
        at = stored.stat().st_mtime_ns
        again = Atlas(assistant).current()
        assert (again.fingerprint, again.future.result(60)) == (drawing.fingerprint, chart)
        assert stored.stat().st_mtime_ns == at

    def test_another_paper_makes_another_map(self, library: Callable[..., Assistant]) -> None:
        assistant = library(SAMPLE[:-1])
        atlas = Atlas(assistant)
        before = atlas.current()
        assert atlas.current() is before
        assistant.add_papers(SAMPLE[-1:])
        assert len(atlas.current().future.result(60).dots) == len(before.future.result(60).dots) + 1

    def test_an_empty_library_has_an_empty_map(self, library: Callable[..., Assistant]) -> None:
        atlas = Atlas(library(()))
        assert atlas.current().future.result(60).dots == ()
        assert atlas.clusters() == {}


def chart(titles: list[str], names: tuple[str, ...] = ("cats", "dogs")) -> LibraryMap:
    dots = tuple(
        Dot(
            paper_id=f"p{at}",
            title=title,
            year=2020,
            x=at / 9,
            y=(at // 2) / 1.5 if at else 0.0,
            cluster=at % len(names),
        )
        for at, title in enumerate(titles)
    )
    return LibraryMap(dots=dots, names=names, papers=len(dots))


class TestFigure:
    def test_each_cluster_is_a_trace_and_sources_are_lit(self) -> None:
        traces = figure(chart(["a", "b", "c", "d"]), {"p3": 2, "elsewhere": 1})["data"]
        assert [trace["customdata"] for trace in traces] == [["p0", "p2"], ["p1", "p3"], ["p3"]]
        assert traces[-1]["text"] == ["[2]"]
        assert traces[0]["marker"]["opacity"] < 0.5
        assert len(figure(chart(["a", "b"]), {})["data"]) == 2

    def test_titles_and_names_are_no_markup(self) -> None:
        made = json.dumps(figure(chart([HOSTILE, "<a href='x'>"], ("<i>&", "b")), {}))
        assert "<script" not in made
        assert "<a " not in made
        assert "<i>" not in made
        assert "<script" not in legend_html(chart(["a", "b"], (HOSTILE, "b")))

    def test_names_do_not_lie_upon_one_another(self) -> None:
        labels = figure(chart(["a", "b", "c", "d"]), {})["layout"]["annotations"]
        assert [label["text"] for label in labels] == ["<b>cats</b>", "<b>dogs</b>"]
        low, high = (label["y"] for label in labels)
        assert high - low > 0.04, "all dots are at one height, their clusters' names must not be"

    def test_the_note_counts_what_is_drawn_and_lit(self) -> None:
        some = replace(chart(["a", "b"]), papers=75_000)
        note = map_note(some, {"p0": 1, "far": 2})
        assert "2 of 75,000 papers" in note
        assert "1 of the latest answer's 2 sources" in note
