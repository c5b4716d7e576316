"""What all formats share: names, years, identifiers, and text without markup."""

import pytest

from assistant.readers.mojibake import mended
from assistant.readers.names import (
    bare_initials_first,
    clean_names,
    given_first,
    initials_first,
    split_people,
)
from assistant.readers.record import find_year, make_paper
from assistant.text.cleaning import clean_text
from assistant.types import Paper, Problem

TEXT = "Terns dive for sand eels in shallow water near the breakers."


@pytest.mark.parametrize(
    ("name", "turned"),
    [
        ("Birch, Ada", "Ada Birch"),
        ("van der Berg, Anna M.", "Anna M. van der Berg"),
        ("Smith, John, Jr.", "John Smith Jr."),
        ("Smith, Jr., John", "John Smith Jr."),
        ("Oak, Ben R Jr", "Ben R Oak Jr"),
        ("John Smith, Jr.", "John Smith Jr."),
        ("Ada Birch, PhD", "Ada Birch"),
        ("Ada Birch", "Ada Birch"),
        ("Birch,", "Birch"),
        ("Department of Terns, University of Birds, Harbour", "Department of Terns, University of Birds, Harbour"),
    ],
)  # fmt: skip
def test_given_first(name: str, turned: str) -> None:
    assert given_first(name) == turned


@pytest.mark.parametrize(
    ("name", "turned"),
    [
        ("Phillips J.C.", "J.C. Phillips"),
        ("Wei D.-Q.", "D.-Q. Wei"),
        ("van der Oak B.", "B. van der Oak"),
        ("P. Kogge", "P. Kogge"),
        ("Li X.", "X. Li"),
        ("J. R. R.", "J. R. R."),
    ],
)
def test_initials_first(name: str, turned: str) -> None:
    assert initials_first(name) == turned


@pytest.mark.parametrize(
    ("name", "turned"),
    [
        ("Casbon JA", "JA Casbon"),
        ("de la Cruz M", "M de la Cruz"),
        ("Oak B Jr", "B Oak Jr"),
        ("Given CA 2nd", "CA Given 2nd"),
        ("Ada Birch", "Ada Birch"),
    ],
)
def test_bare_initials_first(name: str, turned: str) -> None:
    assert bare_initials_first(name) == turned


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("Birch, Ada; Oak, Ben", ("Ada Birch", "Ben Oak")),
        ("Birch, Ada and Oak, Ben", ("Ada Birch", "Ben Oak")),
        ("Ada Birch, Ben Oak, and Cy Elm", ("Ada Birch", "Ben Oak", "Cy Elm")),
        ("Ada Birch and Ben Oak", ("Ada Birch", "Ben Oak")),
        ("Ada Birch, Ben Oak & Cy Elm", ("Ada Birch", "Ben Oak", "Cy Elm")),
        ("Birch, A., Oak, B.C.", ("A. Birch", "B.C. Oak")),
        ("Birch A., Oak B.C.", ("Birch A.", "Oak B.C.")),
        ("Birch, Ada", ("Ada Birch",)),
        ("Ada Birch", ("Ada Birch",)),
        ("Ada Birch, Ben Oak", ("Ada Birch", "Ben Oak")),
        ("Ada Birch|Ben Oak", ("Ada Birch", "Ben Oak")),
        ("['Birch, Ada', 'Oak, Ben']", ("Ada Birch", "Ben Oak")),
        ('["Ada Birch"]', ("Ada Birch",)),
        ("Ada Birch, et al.", ("Ada Birch",)),
        ("Tern Team, :, Ada Birch", ("Tern Team", "Ada Birch")),
        ("", ()),
        ("[broken", ("[broken",)),
    ],
)
def test_split_people(text: str, people: tuple[str, ...]) -> None:
    assert clean_names(name.strip() for name in split_people(text)) == people


@pytest.mark.parametrize(
    ("value", "year"),
    [
        (2020, 2020), ("2019///", 2019), ("Mon, 2 Apr 2007 19:18:42 GMT", 2007), ("20170728", 2017),
        ("1999 Nov-Dec", 1999), ("10 15", None), ("12345", None), ("3020", None), (None, None), ("", None),
    ],
)  # fmt: skip
def test_find_year(value: object, year: int | None) -> None:
    assert find_year(value) == year


def made(**fields: object) -> Paper:
    paper = make_paper(source="s", line=1, abstract=TEXT, **fields)
    assert isinstance(paper, Paper)
    return paper


def test_identifiers_in_every_disguise() -> None:
    assert made(doi="https://doi.org/10.1234%2FTerns").doi == "10.1234/terns"
    assert made(url="https://dx.doi.org/10.1234/T").doi == "10.1234/t"
    assert made(url="http://x.org/?sid=E&id=doi:10.1234%2F1-2.3&atitle=T").doi == "10.1234/1-2.3"
    assert made(doi="10.48550/arXiv.2101.00001").arxiv_id == "2101.00001"
    assert made(url="https://arxiv.org/pdf/2101.00001v3.pdf").arxiv_id == "2101.00001"
    assert made(pmid="PMID: 31710925").pmid == "31710925"
    assert made(pmid="https://pubmed.ncbi.nlm.nih.gov/31710925/").pmid == "31710925"
    assert made(pmid="PMC1373603").pmid == ""
    assert made(url="ftp://x").url == ""
    assert made(topics=["a", "b", "a", " ", None]).topics == ("a", "b")


@pytest.mark.parametrize(
    "text",
    ["", "[No abstract available]", "No abstract available.", "Abstract not available", "N/A",
     "An abstract is not available for this content", "Publisher: Abstract available from the publisher."],
)  # fmt: skip
def test_what_stands_in_place_of_an_abstract_is_none(text: str) -> None:
    found = make_paper(source="s", line=7, title="T", abstract=text)
    assert found == Problem(source="s", line=7, reason="“T” has no abstract", bare=True)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("Dirk WÃ¼bben", "Dirk Wübben"),
        ("RamÃ\xadrez", "Ramírez"),
        ("itâ€™s â€œfineâ€\x9d", "it’s “fine”"),
        ("5 Â°C", "5 °C"),
        ("Å¡koda ÎºÎ±", "škoda κα"),
        ("“CAFÉ” IRMÔ naïve – é”—“x", "“CAFÉ” IRMÔ naïve – é”—“x"),
        ("São Ã, Ä–Ö, Ñandú", "São Ã, Ä–Ö, Ñandú"),
    ],
)
def test_text_encoded_twice_is_mended(text: str, right: str) -> None:
    assert mended(text) == right


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        # HTML, JATS, MathML
        ("<jats:title>Abstract</jats:title><jats:p>Terns.</jats:p>", "Terns."),
        ("<jats:sec><jats:title>Methods:</jats:title><jats:p>We dived.</jats:p></jats:sec>", "Methods: We dived."),
        ("&lt;p&gt;a &amp;lt;b&amp;gt;c&amp;lt;/b&amp;gt;&lt;/p&gt;", "a c"),
        ('<math xmlns="x"><msup><mi>x</mi><mn>2</mn></msup></math> y', "x2 y"),
        ('<mml:math><mml:mi>β</mml:mi><mml:annotation encoding="t">\\beta</mml:annotation></mml:math>', "β"),
        ("<inline-formula><tex-math>$x$</tex-math><mml:math><mml:mi>x</mml:mi></mml:math></inline-formula>", "x"),
        ("a<!-- comment -->b <![CDATA[c]]>", "ab c"),
        ("the <mask> token, <memory> and <s>", "the <mask> token, <memory> and <s>"),
        ("AT&T, R&D&notion, a&b=c", "AT&T, R&D&notion, a&b=c"),
        # LaTeX
        (r"\textbf{\textsc{Terns}} \textit{a \emph{b} c}", "Terns a b c"),
        (r"{\bf bold}, {\it et al.}, {\color{blue}text}, \textcolor{red}{seen}", "bold, et al., text, seen"),
        (r"shown~\cite{a,b} in \citep[see][]{c} and Fig.~\ref{x}.", "shown in and Fig.."),
        (r"at \href{https://a.b/c}{this link} or \url{https://a.b/c_d}", "at this link or https://a.b/c_d"),
        (r"note\footnote{A note.}", "note (A note.)"),
        (r"\(x^2\), \[y\] and $\frac{1}{2}$, $\mathcal{O}(n \log n)$", "x^2, y and 1/2, 𝒪(n log n)"),
        (r"Mem$^{\textbf{2}}$ and 10^{-5}, 43{,}756, {F}aster", "Mem^2 and 10^-5, 43,756, Faster"),
        (r"\{a, b\}, {1, 2}, 5\,cm, \$5", "{a, b}, {1, 2}, 5 cm, $5"),
        ("costs $5 and $7, from $10 to $20, $10-$20", "costs $5 and $7, from $10 to $20, $10-$20"),
        (r"$>$5 dB, $+$9.0, $[0, 1)$, $ 2.9\% $", ">5 dB, +9.0, [0, 1), 2.9%"),
        (r"Gr\"obner, Fran\c{c}ois, \v{S}\'{\i}ma, \'E", "Gröbner, François, Šíma, É"),
        (r"don\'t say \"hello\" to Alice\'s", "don't say \"hello\" to Alice's"),
        (r"``quoted'' text", "“quoted” text"),
        (r"\method{} beats \ours", "method beats ours"),
        (r"\unicode{x2014} \unicode{xd800}.", "— ."),
        (r"\textless 5 \S 3 \textbackslash n", r"< 5 § 3 \ n"),
        (r"\frac{1} \href \sqrt", "frac1 href sqrt"),
        (r"\textbf{never closed", "{never closed"),
        # what hides
        ("a\U000e0041\u2066b\u00ad", "ab"),
    ],
)  # fmt: skip
def test_no_markup_is_left(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean
