"""Markdown tables: cells out and in, and lines for a terminal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assistant.text.tables import (
    Table,
    Terminal,
    blocks,
    cells_of,
    fitted,
    for_terminal,
    is_plain,
    is_row,
    is_rule,
    statement,
    table_head,
    table_line,
)

CELLS = st.lists(
    st.text(st.sampled_from("ab |\\-1[]"), max_size=9).map(lambda text: " ".join(text.split())),
    min_size=1,
    max_size=5,
)


@given(CELLS)
def test_cells_survive_their_line(cells: list[str]) -> None:
    line = table_line(cells)
    assert "\n" not in line
    assert is_row(line)
    # A last empty cell can't be told from the closing bar; a last backslash from an escape.
    kept = [cell for cell in cells if not cell.endswith("\\")]
    if kept == cells:
        assert cells_of(line) == tuple(cells)


def test_lines_by_hand() -> None:
    assert table_line(["a|b", "c\nd"]) == r"| a\|b | c d |"
    assert table_head(["A", "B"]) == "| A | B |\n|---|---|"
    assert cells_of("| a | b |") == ("a", "b")
    assert cells_of("a | b") == ("a", "b")
    assert cells_of("| a | |") == ("a", "")
    assert cells_of(r"| a \| b |") == ("a | b",)


def test_cells_are_fitted_to_the_header() -> None:
    assert fitted(("a",), 3) == ("a", "", "")
    assert fitted(("a", "b", "", "c"), 2) == ("a", "b c")
    assert fitted(("a", "b"), 2) == ("a", "b")


@pytest.mark.parametrize("line", ["|---|---|", "| :--- | ---: |", "--- | ---", "|-|"])
def test_rules(line: str) -> None:
    assert is_rule(line)


@pytest.mark.parametrize("line", ["---", "| a | - |", "|", "", "a | b"])
def test_no_rules(line: str) -> None:
    assert not is_rule(line)


@pytest.mark.parametrize(
    ("header", "cells", "said"),
    [
        (("Method", "Removed", "Loss"), ("Twig", "92%", "0.4"), "Twig: Removed 92%; Loss 0.4"),
        (("Method", "Result", "Source"), ("TwigNet", "is small", ""), "TwigNet: is small"),
        (("Paper", "What it says"), ("TwigNet", "TwigNet is small."), "TwigNet is small."),
        (("Paper", "Says", "Source"), ("TwigNet", "It is.", "[1][2]"), "TwigNet: It is. [1][2]"),
        ((), ("a", "b", "c"), "a: b; c"),
        (("A", "B"), ("a", ""), "a"),
        ((), (), ""),
    ],
)
def test_what_a_row_says(header: tuple[str, ...], cells: tuple[str, ...], said: str) -> None:
    assert statement(header, cells) == said


def test_plain_labels() -> None:
    assert is_plain("What it says")
    assert is_plain("")
    assert not is_plain("Accuracy")


TEXT = (
    "Two prune [1].\n\n| Method | Size |\n|---|---|\n| A | 5 [1] |\n| B | 7 [2] |\n\nThat is all."
)


def test_text_is_cut_into_tables_and_the_rest() -> None:
    assert list(blocks(TEXT)) == [
        "Two prune [1].",
        Table(("Method", "Size"), (("A", "5 [1]"), ("B", "7 [2]"))),
        "That is all.",
    ]
    assert list(blocks("One line.\n\nAnother.")) == ["One line.\n\nAnother."]
    assert list(blocks("| no table |")) == ["| no table |"]
    assert list(blocks("")) == []


def test_terminal_form() -> None:
    assert for_terminal(TEXT) == (
        "Two prune [1].\n\n- A: Size 5 [1]\n- B: Size 7 [2]\n\nThat is all."
    )
    assert for_terminal("| no table |") == "| no table |"


def test_terminal_form_as_it_comes() -> None:
    terminal = Terminal()
    pieces = [
        "Two prune [1].",
        "\n\n| Method | Size |\n|---|---|\n| A | 5 [1] |",
        "\n| B | 7 [2] |",
        "\n\nThat is all.",
    ]
    assert "".join(map(terminal.add, pieces)) == for_terminal(TEXT)
