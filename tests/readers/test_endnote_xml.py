"""EndNote's XML: styles within text, one line for a whole library, and other programs' forms."""

from assistant.types import Paper
from tests.readers.cases import papers, problems, read, titles

ABSTRACT = "Terns dive for sand eels in shallow water near the breakers."
HEAD = '<?xml version="1.0" encoding="UTF-8" ?><xml><records>'
TAIL = "</records></xml>"


def styled(text: str, face: str = "normal") -> str:
    return f'<style face="{face}" font="default" size="100%">{text}</style>'


FULL = (
    '<record><database name="My Terns.enl" path="C:\\My Terns.enl">My Terns.enl</database>'
    '<source-app name="EndNote" version="20.1">EndNote</source-app><rec-number>7</rec-number>'
    '<foreign-keys><key app="EN" db-id="x" timestamp="1">7</key></foreign-keys>'
    '<ref-type name="Journal Article">17</ref-type><contributors><authors>'
    f"<author>{styled('O&apos;Birch, Ada J.')}</author><author>{styled('Tern Study Group,')}</author></authors>"
    f"<secondary-authors><author>{styled('Editor, Ed')}</author></secondary-authors></contributors>"
    f"<auth-address>{styled('Department of Birds')}</auth-address><titles><title>{styled('Diving of ')}"
    f"{styled('Sterna', 'italic')}{styled(' at 5 &amp; more')}</title><secondary-title>{styled('Ibis')}"
    f"</secondary-title></titles><periodical><full-title>{styled('Ibis, the journal')}</full-title>"
    f"<abbr-1>{styled('Ibis')}</abbr-1></periodical><pages>{styled('1-2')}</pages><keywords><keyword>"
    f"{styled('eels')}</keyword><keyword>{styled('diving&#xD;birds; water')}</keyword></keywords>"
    f"<dates><year>{styled('2021')}</year><pub-dates><date>{styled('Jan 5')}</date></pub-dates></dates>"
    f"<accession-num>{styled('33146621')}</accession-num><abstract>{styled(ABSTRACT + '&#xD;Then they ')}"
    f"{styled('rest', 'bold')}{styled('.')}</abstract><urls><pdf-urls><url>internal-pdf://x.pdf</url></pdf-urls>"
    f"<related-urls><url>{styled('https://example.org/t')}</url></related-urls></urls>"
    f"<electronic-resource-num>{styled('10.1234/Terns')}</electronic-resource-num>"
    f"<remote-database-name>{styled('PubMed-not-MEDLINE')}</remote-database-name></record>"
)


def record(title: str, rest: str = f"<abstract>{ABSTRACT}</abstract>") -> str:
    return f"<record><ref-type>17</ref-type><titles><title>{title}</title></titles>{rest}</record>"


def test_endnote_library_on_one_line() -> None:
    (paper,) = read(HEAD + FULL + TAIL)
    assert paper == Paper(
        id="doi:10.1234/terns",
        title="Diving of Sterna at 5 & more",
        abstract=f"{ABSTRACT} Then they rest.",
        authors=("Ada J. O'Birch", "Tern Study Group"),
        year=2021,
        venue="Ibis, the journal",
        url="https://example.org/t",
        doi="10.1234/terns",
        pmid="33146621",
        topics=("eels", "diving", "birds", "water"),
        source="file",
        record_id="33146621",
        raw_abstract=f"{ABSTRACT}\rThen they rest.",
    )


def test_records_of_other_programs_without_styles() -> None:
    text = (
        "<xml>\n<records>\n  "
        + record(
            "Terns",
            f"<contributors><authors><author>Birch, Ada</author></authors></contributors><abstract>{ABSTRACT}"
            "</abstract><dates><year/><pub-dates><date>2020/03/01</date></pub-dates></dates>"
            "<accession-num>WOS:1</accession-num><remote-database-name>WoS</remote-database-name>",
        )
        + "\n</records>\n</xml>"
    )
    (paper,) = papers(read(text))
    assert (paper.authors, paper.year, paper.pmid) == (("Ada Birch",), 2020, "")
    assert paper.id == "WOS:1"


def test_number_within_a_library_identifies_nothing() -> None:
    one, other = (
        papers(
            read(
                HEAD
                + record(title).replace("<titles>", "<rec-number>1</rec-number><titles>")
                + TAIL
            )
        )
        for title in ("T1", "T2")
    )
    assert one[0].id != other[0].id


def test_characters_that_xml_forbids_cost_nothing() -> None:
    text = HEAD + record("T1") + record("T2\x0b &#x1F;&#11;&#xFFFF;of & eels") + record("T3") + TAIL
    records = read(text)
    assert titles(records) == ["T1", "T2 of & eels", "T3"]
    assert problems(records) == []


def test_broken_and_bare_records_lose_only_themselves() -> None:
    broken = record("T2").replace("</titles>", "")
    records = read(f"{HEAD}\n{record('T1')}\n{broken}\n{record('T3', '')}\n{record('T4')}{TAIL}")
    assert titles(records) == ["T1", "T4"]
    assert [(one.line, one.bare) for one in problems(records)] == [(3, False), (4, True)]
    assert "“T2”" in problems(records)[0].reason


def test_entities_are_refused_and_the_rest_read() -> None:
    bomb = '<!DOCTYPE xml [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY f SYSTEM "file:///etc/hostname">]><xml>'
    hostile = record("T2", f"<abstract>{'&b;' * 50}&f;</abstract>")
    records = read((HEAD + record("T1") + hostile + record("T3") + TAIL).replace("<xml>", bomb, 1))
    assert titles(records) == ["T1", "T3"]
    assert "refused" in problems(records)[0].reason
