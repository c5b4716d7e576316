"""The Library tab in a real browser: find, open, tick, export, remove, add, and look at the map."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from assistant.readers import read_papers
from assistant.types import Paper
from tests.e2e import serving
from tests.e2e.conftest import HOSTILE, NARROW, Tab

PRUNING = "Which papers prune networks at initialization?"
WOMBATS = {
    "title": "Wombats dig burrows",
    "abstract": "Wombats dig burrows at night. Their burrows are 30 metres long.",
    "authors": ["Ada Burrow", "Bo Digger"],
    "year": 2019,
    "topics": ["zoology"],
}


def go(tab: Tab, view: str = "Papers") -> Locator:
    """Open the Library tab at one of its views; return its part of the page."""
    tab.page.get_by_role("tab", name="Library").click()
    expect(rows(tab).or_(tab.page.locator("#library-table .empty")).first).to_be_attached()
    if view != "Papers":
        tab.page.get_by_role("tab", name=view).click()
    return tab.page.locator("#library")


def rows(tab: Tab) -> Locator:
    return tab.page.locator("#library-table tbody tr")


def titles(tab: Tab) -> Locator:
    return tab.page.locator("#library-table td.title")


def found(tab: Tab) -> Locator:
    return tab.page.locator("#library-table .found")


def search(tab: Tab, words: str = "", where: str = "") -> None:
    tab.page.locator("#library-words input, #library-words textarea").fill(words)
    tab.page.locator("#library-where input, #library-where textarea").fill(where)
    tab.page.locator("#library-go").click()


@pytest.fixture
def own(
    own_home: Path, models_folder: Path, open_tab: Callable[..., Tab]
) -> Iterator[Callable[..., Tab]]:
    """Return what opens tabs over that home."""
    opened: list[Tab] = []

    def open_own(**context: object) -> Tab:
        opened.append(open_tab(address, **context))
        return opened[-1]

    with serving.served(own_home, models_folder) as address:
        yield open_own
        for tab in opened:  # Before the server goes, whose end the page would complain of.
            tab.page.context.close()


class TestTable:
    def test_a_page_at_a_time(self, tab: Tab) -> None:
        go(tab)
        expect(found(tab)).to_have_text("141 papers")
        expect(rows(tab)).to_have_count(25)
        first = titles(tab).first.inner_text()
        pager = tab.page.locator("#library .pager")
        pager.get_by_role("button", name="Next").click()
        expect(pager).to_contain_text("26–50 of 141")
        expect(titles(tab).first).not_to_have_text(first)
        pager.get_by_role("button", name="Last").click()
        expect(rows(tab)).to_have_count(16)
        expect(pager.get_by_role("button", name="Next")).to_be_disabled()

    def test_a_column_sorts_both_ways(self, tab: Tab) -> None:
        go(tab)
        head = tab.page.locator("#library-table th.title")
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", "ascending")
        shown = [text.casefold() for text in titles(tab).all_inner_texts()]
        assert shown == sorted(shown)
        head.get_by_role("button").click()
        expect(head).to_have_attribute("aria-sort", "descending")
        shown = [text.casefold() for text in titles(tab).all_inner_texts()]
        assert shown == sorted(shown, reverse=True)

    def test_words_find_the_best_first_and_the_filter_narrows(self, tab: Tab) -> None:
        go(tab)
        search(tab, words="DDRNet Cityscapes")
        expect(titles(tab).first).to_contain_text("Deep Dual-resolution Networks")
        search(tab, where="year:2020")
        expect(found(tab)).to_have_text("1 paper of 141")
        expect(titles(tab)).to_have_text(HOSTILE.title)
        search(tab, words="xylophonic")
        expect(tab.page.locator("#library-table .empty")).to_contain_text("Show all")
        tab.page.locator("#library-all").click()
        expect(found(tab)).to_have_text("141 papers")

    def test_a_wrong_filter_is_explained(self, tab: Tab) -> None:
        go(tab)
        search(tab, where="colour:red")
        problem = tab.page.locator("#library-problem .problem")
        expect(problem).to_contain_text("there is no field “colour”")
        expect(problem).to_contain_text("year>=2020")
        search(tab)
        expect(problem).to_have_count(0)

    def test_facets_count_and_narrow(self, tab: Tab) -> None:
        go(tab)
        facets = tab.page.locator("#library-facets")
        hostile = facets.get_by_role("button", name="hostile.jsonl 1")
        hostile.click()
        expect(rows(tab)).to_have_count(1)
        expect(found(tab)).to_have_text("1 paper of 141")
        expect(facets.locator("[aria-pressed=true]")).to_have_text("hostile.jsonl 1")
        facets.get_by_role("button", name="Take all off").click()
        expect(found(tab)).to_have_text("141 papers")

    def test_a_title_opens_its_paper_by_keyboard_too(self, tab: Tab) -> None:
        go(tab)
        search(tab, words="DDRNet Cityscapes")
        expect(titles(tab).first).to_contain_text("Deep Dual-resolution Networks")
        titles(tab).first.get_by_role("button").press("Enter")
        paper = tab.page.locator("#library-paper")
        expect(paper.locator("h2")).to_contain_text("Deep Dual-resolution Networks")
        expect(paper.locator(".abstract")).to_contain_text("DDRNet")
        expect(paper.locator(".summary-note")).to_be_visible()

    def test_a_hostile_paper_is_only_text(self, tab: Tab) -> None:
        go(tab)
        search(tab, words="Zorbital")
        expect(titles(tab).first).to_have_text(HOSTILE.title)
        titles(tab).first.get_by_role("button").click()
        paper = tab.page.locator("#library-paper")
        expect(paper.locator("h2")).to_have_text(HOSTILE.title)
        expect(paper.locator(".abstract")).to_contain_text("<script>window.hurt=4</script>")
        assert paper.locator("a:not(.up), img, script").count() == 0
        assert tab.page.evaluate("window.hurt") is None


class TestExport:
    def download(self, tab: Tab) -> Path:
        with tab.page.expect_download() as waiting:
            tab.page.locator("#library-export").click()
        path = Path(waiting.value.path())
        return path.rename(path.with_name(waiting.value.suggested_filename))

    def choose(self, tab: Tab, which: str, option: str) -> None:
        tab.page.locator(f"#library-{which} input").click()
        tab.page.get_by_role("option", name=option).click()

    def test_ticked_papers_of_several_pages_as_bibtex(self, tab: Tab) -> None:
        go(tab)
        wanted = [titles(tab).nth(1).inner_text()]
        rows(tab).nth(1).get_by_role("checkbox").check()
        tab.page.locator("#library .pager").get_by_role("button", name="Next").click()
        expect(tab.page.locator("#library .pager")).to_contain_text("26–50")
        wanted.append(titles(tab).nth(2).inner_text())
        rows(tab).nth(2).get_by_role("checkbox").check()
        expect(tab.page.locator("#library-selection")).to_contain_text("2 papers selected")
        file = self.download(tab)
        assert file.name == "selected-papers.bib"
        got = [one.title for one in read_papers(file) if isinstance(one, Paper)]
        assert sorted(got) == sorted(wanted)
        expect(tab.page.locator("#library-said")).to_contain_text("2 papers exported")

    def test_cited_papers_as_ris(self, tab: Tab) -> None:
        tab.ask(PRUNING)
        cited = tab.page.locator("#panel details.source h3").all_text_contents()
        go(tab)
        self.choose(tab, "scope", "cited in the conversation")
        self.choose(tab, "kind", "RIS")
        file = self.download(tab)
        assert file.name == "cited-papers.ris"
        got = [one.title for one in read_papers(file) if isinstance(one, Paper)]
        assert sorted(got) == sorted(set(cited))

    def test_what_the_table_shows_as_csl_json(self, tab: Tab) -> None:
        go(tab)
        search(tab, where="year:2020")
        expect(rows(tab)).to_have_count(1)
        self.choose(tab, "scope", "of the table")
        self.choose(tab, "kind", "CSL-JSON")
        assert json.loads(self.download(tab).read_text())[0]["title"] == HOSTILE.title

    def test_nothing_ticked_is_told(self, tab: Tab) -> None:
        go(tab)
        tab.page.locator("#library-export").click()
        expect(tab.page.locator("#library-said")).to_contain_text("tick papers in the table")


class TestAdding:
    def report(self, tab: Tab) -> Locator:
        return tab.page.locator("#library-report")

    def test_a_file_goes_in_and_its_skipped_records_are_told(
        self, own: Callable[..., Tab], tmp_path: Path
    ) -> None:
        file = tmp_path / "wombats.jsonl"
        file.write_text("\n".join([json.dumps(WOMBATS), "{broken", json.dumps({"title": "Bare"})]))
        tab = own()
        go(tab, "Add papers")
        tab.page.locator("#library-files input[type=file]").set_input_files(file)
        expect(tab.page.locator("#library-files")).to_contain_text("wombats")
        tab.page.locator("#library-add").click()
        expect(self.report(tab)).to_contain_text("1 added, 2 skipped.")
        expect(self.report(tab)).to_contain_text("wombats.jsonl, line 2: ")
        expect(self.report(tab)).not_to_contain_text("/tmp")
        expect(tab.page.locator("#library-add")).to_be_enabled()
        expect(tab.page.locator("#head")).to_contain_text("142 papers")
        tab.page.get_by_role("tab", name="Papers", exact=True).click()
        expect(titles(tab).first).to_have_text("Wombats dig burrows")
        expect(rows(tab).first).to_contain_text("Ada Burrow, Bo Digger")
        expect(tab.page.locator("#library-facets")).to_contain_text("zoology")
        tab.page.get_by_role("tab", name="Chat").click()
        expect(tab.ask("How long are wombats' burrows?")).to_contain_text("30 metres")

    def test_pasted_records_go_in_and_ticked_papers_out(self, own: Callable[..., Tab]) -> None:
        tab = own()
        go(tab, "Add papers")
        tab.page.locator("#library-pasted textarea").fill(
            "@article{a, title={Quokkas smile}, abstract={Quokkas smile at people.}, year={2018}}"
        )
        tab.page.locator("#library-add").click()
        expect(self.report(tab)).to_contain_text("1 added.")
        expect(tab.page.locator("#library-pasted textarea")).to_have_value("")
        tab.page.get_by_role("tab", name="Papers", exact=True).click()
        expect(titles(tab).first).to_have_text("Quokkas smile")
        tab.page.locator("#library-remove").click()
        expect(tab.page.locator("#library-said")).to_contain_text("No paper is selected")
        rows(tab).first.get_by_role("checkbox").check()
        expect(tab.page.locator("#library-selection")).to_contain_text("1 paper selected")
        tab.page.locator("#library-remove").click()
        tab.page.locator("#library-no").click()
        expect(tab.page.locator("#library-yes")).to_be_hidden()
        expect(titles(tab).first).to_have_text("Quokkas smile")
        tab.page.locator("#library-remove").click()
        expect(tab.page.locator("#library-said")).to_contain_text("Remove 1 paper")
        tab.page.locator("#library-yes").click()
        expect(tab.page.locator("#library-said")).to_have_text("1 paper removed.")
        expect(titles(tab).first).not_to_have_text("Quokkas smile")
        expect(tab.page.locator("#head")).to_contain_text("141 papers")

    def test_a_dropped_file_goes_in(self, own: Callable[..., Tab]) -> None:
        tab = own()
        go(tab, "Add papers")
        drop = """(zone, text) => {
            const data = new DataTransfer();
            data.items.add(new File([text], "dropped.jsonl", {type: "application/json"}));
            for (const name of ["dragenter", "dragover", "drop"])
              zone.dispatchEvent(new DragEvent(name, {dataTransfer: data, bubbles: true}));
        }"""
        tab.page.locator("#library-files button").first.evaluate(drop, json.dumps(WOMBATS))
        expect(tab.page.locator("#library-files")).to_contain_text("dropped")
        tab.page.locator("#library-add").click()
        expect(self.report(tab)).to_contain_text("1 added.")

    def test_what_is_no_paper_is_explained(self, tab: Tab) -> None:
        go(tab, "Add papers")
        tab.page.locator("#library-add").click()
        expect(self.report(tab)).to_contain_text("choose or drop a file, or paste records")
        tab.page.locator("#library-pasted textarea").fill("Dear diary, today I saw a wombat.")
        tab.page.locator("#library-add").click()
        expect(self.report(tab)).to_contain_text("Nothing was added")
        expect(self.report(tab)).to_contain_text("pasted text: not a format that is known here")


class TestMap:
    def dots(self, tab: Tab) -> Locator:
        return tab.page.locator("#library-map .scatterlayer .point")

    def point_at(self, tab: Tab, dot: Locator) -> tuple[float, float]:
        """Move the mouse to a dot, as Plotly wants it: by moving."""
        box = dot.bounding_box()
        assert box is not None
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        tab.page.mouse.move(x - 2, y)
        tab.page.mouse.move(x, y)
        return x, y

    def test_every_paper_is_a_dot_and_clusters_have_names(self, tab: Tab) -> None:
        library = go(tab, "Map")
        expect(self.dots(tab)).to_have_count(141)
        names = library.locator("#library-map .annotation")
        legend = library.locator("#library-legend .legend button")
        assert names.count() == legend.count() >= 4
        assert "graph" in library.locator("#library-legend").inner_text()

    def test_hover_names_a_paper_and_a_click_opens_it(self, tab: Tab) -> None:
        library = go(tab, "Map")
        expect(self.dots(tab)).to_have_count(141)
        x, y = self.point_at(tab, self.dots(tab).first)
        label = library.locator("#library-map .hoverlayer .hovertext")
        expect(label).to_be_visible()
        hovered = "".join(label.locator("tspan.line").all_text_contents())
        tab.page.mouse.click(x, y)
        heading = library.locator("#library-paper h2")
        expect(heading).to_be_visible()
        assert heading.inner_text()[:30].replace(" ", "") in hovered.replace(" ", "")

    def test_the_sources_of_the_latest_answer_are_lit_up(self, tab: Tab) -> None:
        library = go(tab, "Map")
        expect(self.dots(tab)).to_have_count(141)
        tab.page.get_by_role("tab", name="Chat").click()
        tab.ask(PRUNING)
        sources = len(set(tab.page.locator("#panel details.source h3").all_text_contents()))
        tab.page.get_by_role("tab", name="Library").click()
        expect(self.dots(tab)).to_have_count(141 + sources)
        expect(library.locator("#library-map .textpoint")).to_have_count(sources)
        expect(library.locator("#library-map .textpoint").first).to_contain_text("[")
        expect(library.locator("#library-map-note")).to_contain_text(
            f"Lit up: {sources} of the latest answer's {sources} sources."
        )

    def test_a_cluster_shows_its_papers_in_the_table(self, tab: Tab) -> None:
        library = go(tab, "Map")
        first = library.locator("#library-legend .legend button").first
        count = first.locator(".count").inner_text()
        first.click()
        expect(found(tab)).to_have_text(f"{count} papers of 141")
        expect(rows(tab).first).to_be_visible()
        expect(library.locator("#library-facets [aria-pressed=true]")).to_have_count(1)

    def test_a_hostile_title_is_only_text(self, tab: Tab) -> None:
        go(tab, "Map")
        expect(self.dots(tab)).to_have_count(141)
        place = self.dots(tab).evaluate_all(
            "dots => dots.findIndex(dot => dot.__data__?.data === 'hostile<b>'"
            " || dot.__data__?.htx?.includes('Zorbital'))"
        )
        assert place >= 0
        self.point_at(tab, self.dots(tab).nth(place))
        label = tab.page.locator("#library-map .hoverlayer .hovertext")
        expect(label).to_contain_text("<img src=x onerror=")
        assert tab.page.locator("#library-map :is(img, script, a[href^=javascript])").count() == 0
        assert tab.page.evaluate("window.hurt") is None


def test_an_empty_library_tells_the_next_step(
    tmp_path: Path, models_folder: Path, open_tab: Callable[..., Tab]
) -> None:
    with serving.served(tmp_path, models_folder) as address:
        tab = open_tab(address)
        go(tab)
        expect(tab.page.locator("#library-table .empty")).to_contain_text("Add papers")
        tab.page.get_by_role("tab", name="Map").click()
        expect(tab.page.locator("#library-map-note")).to_contain_text("The library is empty")
        tab.page.context.close()


def test_a_phone_shows_cards_and_brings_the_paper_into_sight(open_tab: Callable[..., Tab]) -> None:
    tab = open_tab(viewport=NARROW, has_touch=True, is_mobile=True)
    go(tab)
    assert not tab.overflows()
    titles(tab).first.get_by_role("button").tap()
    expect(tab.page.locator("#library-paper h2")).to_be_in_viewport()
    assert not tab.overflows()
    tab.page.locator("#library-paper a.up").tap()
    tab.page.get_by_role("tab", name="Map").tap()
    expect(tab.page.locator("#library-map .point").first).to_be_visible()
    assert not tab.overflows()
    tab.page.get_by_role("tab", name="Add papers").tap()
    expect(tab.page.locator("#library-add")).to_be_visible()
    assert not tab.overflows()
