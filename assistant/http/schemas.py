"""Requests and responses of the plain endpoints, as the OpenAPI page shows them."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LONGEST_QUESTION = 4_000
LONGEST_FILTER = 2_000
MOST_TURNS = 100
MOST_RESULTS = 100
MOST_PAPERS = 500

WHERE = "Which papers may be read, as 'year>=2020 and author:smith'; see the README."


def _whole(text: str) -> str:
    """Replace halves of surrogate pairs, which JSON can carry and no tokenizer takes."""
    return text.encode(errors="replace").decode()


Text = Annotated[str, AfterValidator(_whole)]


class Turn(BaseModel):
    """An earlier turn of the conversation."""

    role: Literal["user", "assistant"]
    content: Text


class Ask(BaseModel):
    """A question."""

    model_config = ConfigDict(extra="forbid")

    question: Text = Field(min_length=1, max_length=LONGEST_QUESTION)
    history: list[Turn] = Field(default=[], max_length=MOST_TURNS)
    where: Text = Field(default="", max_length=LONGEST_FILTER, description=WHERE)
    stream: bool = Field(
        default=False,
        description="Send server-sent events: `stage`, `text` (to be appended), at last `answer`.",
    )


class Reference(BaseModel):
    """The short form of a paper."""

    id: str
    title: str
    year: int | None
    url: str
    record_id: str


class Sentence(BaseModel):
    """A sentence and its place in the abstract, in characters."""

    sentence: str
    start: int
    end: int


class CitationView(Sentence):
    """A numbered link from a claim to the sentence that supports it."""

    number: int
    paper: Reference
    context: Sentence | None
    claim: str
    support: float = Field(description="In 0–1.")
    tier: str


class ClaimView(BaseModel):
    """A sentence of the answer, and its place there."""

    text: str
    start: int
    end: int
    supported: bool


class AnswerView(BaseModel):
    """An answer, as `assistant ask --json` prints it."""

    question: str
    text: str
    status: Literal["answered", "partial", "abstained"]
    claims: list[ClaimView]
    citations: list[CitationView]
    evidence: list[dict[str, Any]]
    nearest: list[Reference]
    confidence: float
    model: str
    checks: dict[str, int]
    notices: list[str]
    seconds: dict[str, float]
    trace: dict[str, Any]


class Result(BaseModel):
    """A paper that fits a query."""

    rank: int
    score: float
    scores: dict[str, float]
    paper: Reference
    passage: str


class Results(BaseModel):
    """The papers that fit a query, best first."""

    query: str
    results: list[Result]


class PaperView(BaseModel):
    """A paper; fields that are empty are left out."""

    model_config = ConfigDict(extra="allow")

    id: str
    title: str
    abstract: str


class Papers(BaseModel):
    """Some of the papers, in the order added."""

    papers: list[PaperView]
    next_offset: int | None = Field(description="Where to go on; null at the end.")


class Health(BaseModel):
    """Whether the process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether questions can be answered."""

    status: Literal["ready", "starting"]
    papers: int
