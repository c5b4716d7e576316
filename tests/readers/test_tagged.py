"""PubMed's .nbib and Web of Science's plain text."""

from assistant.types import Paper
from tests.readers.cases import papers, problems, read, titles

ABSTRACT = "Terns dive for sand eels in shallow water near the breakers."


def one(text: str) -> Paper:
    (paper,) = papers(read(text))
    return paper


NBIB = """
PMID- 28754806
OWN - NLM
STAT- MEDLINE
IS  - 1759-8486 (Electronic)
DP  - 2018 Apr
TI  - Terns of the harbour: a systematic 
      review.
LID - 10.1234/terns-2017 [doi]
AB  - BACKGROUND: Terns dive for sand eels in shallow 
      water. RESULTS: They caught <5 eels & more.
CI  - (c) 2018.
FAU - Birch, Ada J
AUID- ORCID: 0000-0001
AU  - Birch AJ
AD  - Department of Birds.
FAU - Oak, Ben Jr
AU  - Oak B Jr
CN  - Tern Study Group
LA  - eng
TA  - J Terns
JT  - Journal of terns
MH  - Aged
MH  - *Birds/physiology
MH  - Diving/*veterinary
OTO - NOTNLM
OT  - *sand eels
PMC - PMC1373603
AID - terns-2017 [pii]
AID - 10.1234/terns-2017 [doi]
SO  - J Terns. 2018 Apr;10(4):335-339. doi: 10.1234/terns-2017.
"""


def test_pubmed_record() -> None:
    assert one(NBIB) == Paper(
        id="doi:10.1234/terns-2017",
        title="Terns of the harbour: a systematic review.",
        abstract="BACKGROUND: Terns dive for sand eels in shallow water. "
        "RESULTS: They caught <5 eels & more.",
        authors=("Ada J Birch", "Ben Oak Jr", "Tern Study Group"),
        year=2018,
        venue="Journal of terns",
        url="https://pubmed.ncbi.nlm.nih.gov/28754806/",
        doi="10.1234/terns-2017",
        pmid="28754806",
        topics=("sand eels", "Aged", "Birds", "Diving"),
        source="file",
        record_id="PMC1373603",
    )


def test_records_without_a_blank_line_between() -> None:
    text = "".join(f"PMID- {n}\nTI  - T{n}\nAB  - {ABSTRACT}\n" for n in (1, 2, 3))
    assert titles(read(text)) == ["T1", "T2", "T3"]


def test_blank_line_within_a_record_splits_nothing() -> None:
    paper = one(f"PMID- 1\nTI  - T\n\nAB  - {ABSTRACT}\n\nPMC - PMC7\nFAU - Birch, Ada\n")
    assert (paper.abstract, paper.authors) == (ABSTRACT, ("Ada Birch",))


def test_pubmed_central_records() -> None:
    records = read(
        "\nPMC - PMC1\nPMID- 11\nTI  - Bare\nAB  - \n"
        "OAB - Publisher: Abstract available from the publisher.\nAU  - Birch AJ\n\n"
        f"PMC - PMC2\nPMID- 12\nTI  - Full\nAB  - {ABSTRACT}\nAU  - van den Birch AJ\nAU  - Oak B 3rd\n"
    )
    assert titles(records) == ["Full"]
    assert papers(records)[0].authors == ("AJ van den Birch", "B Oak 3rd")
    assert [str(one) for one in problems(records)] == ["file, line 2: “Bare” has no abstract"]


WOS = """FN Clarivate Analytics Web of Science
VR 1.0
PT J
AU Birch, AJ
   Oak, B
AF Birch, Ada J.
   Oak, Ben
TI Terns of the harbour and
   their eels
SO IBIS
LA English
DT Article
DE sand eels; Diving
ID BREEDING SUCCESS;
   FORAGING BEHAVIOR
AB Terns dive for sand eels in
   shallow water near the breakers.
C1 [Birch, Ada J.] Univ Birds, Dept Terns.
CR Other A, 1999, IBIS, V1, P1, DOI 10.9999/other
   Another B, 2000, IBIS, V2, P2
PD APR
PY 2004
VL 43
DI 10.1234/bi049798f
UT WOS:000221807500019
PM 15170338
ER

PT C
AU Oak, B
TI No text here
ER

EF
"""


def test_web_of_science_record() -> None:
    records = read(WOS)
    assert papers(records) == [
        Paper(
            id="doi:10.1234/bi049798f",
            title="Terns of the harbour and their eels",
            abstract=ABSTRACT,
            authors=("Ada J. Birch", "Ben Oak"),
            year=2004,
            venue="IBIS",
            doi="10.1234/bi049798f",
            pmid="15170338",
            topics=("sand eels", "Diving", "BREEDING SUCCESS", "FORAGING BEHAVIOR"),
            source="file",
            record_id="WOS:000221807500019",
        )
    ]
    assert [str(one) for one in problems(records)] == [
        "file, line 29: “No text here” has no abstract"
    ]


def test_web_of_science_without_its_file_header() -> None:
    assert titles(read(f"PT J\nAU Birch, AJ\nTI Terns\nAB {ABSTRACT}\nER\n")) == ["Terns"]
