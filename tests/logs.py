"""Logs of made-up runs, for tests of the report."""

from pathlib import Path

from evals.log import RunLog
from evals.questions import Question
from evals.solver import Case

STATE = {
    "started": "2026-01-01T00:00:00+00:00",
    "git": {"commit": "0123456789abcdef", "dirty": True},
    "settings": {"home": "/secret", "model": "extractive", "papers_read": 8},
    "prompts": {"answer": "1"},
    "machine": {"cpus": 2},
    "library": {"papers": 3, "hash": "x"},
}
QUESTIONS = (
    Question(id="s1", type="single", question="Hot?", gold=("Kettle",), must_include=(("3.5",),)),
    Question(id="s2", type="single", question="Cold?", gold=("Fridge",), must_include=(("4",),)),
    Question(id="s3", type="single", question="Blue?", gold=("Mug",), must_include=(("blue",),)),
    Question(id="d1", type="definition", question="What is a mug?", gold=("Mug",)),
    Question(id="u1", type="unanswerable", question="Price?"),
    Question(id="u2", type="unanswerable", question="Colour?"),
    Question(id="e1", type="single", question="Lost?", gold=("Mug",), must_include=(("no",),)),
)
# Text (empty: declined) and confidence; None is an error.
SAID = {
    "s1": ("It takes 3.5 minutes.", 0.9),
    "s2": ("It takes long.", 0.7),
    "s3": ("", 0.2),
    "d1": ("A cup.", 0.5),
    "u1": ("", 0.1),
    "u2": ("It is red.", 0.6),
    "e1": None,
}
# What would run, or break out of where it stands, were it not shown as text.
EVIL = "</script><script>window.hurt=1</script><img src=x onerror=window.hurt=2>'\"&{{7*7}}"


def answer(question, text, confidence, **more):
    """Return an answer that cites "Kettle", with "Kettle" before "Mug" among the papers found."""
    paper = {"id": "k", "title": "Kettle", "year": 2020, "url": "https://kettle.example/"}
    claim = {"text": text, "start": 0, "end": len(text), "supported": True}
    citation = {
        "number": 1, "paper": paper, "sentence": "Kettles boil.", "claim": text, "support": 0.8,
        "tier": "features",
    }  # fmt: skip
    return {
        "question": question.question,
        "text": text or "These papers don't answer that.",
        "status": "answered" if text else "abstained",
        "claims": [claim] if text else [],
        "citations": [citation] if text else [],
        "evidence": [{"key": 1, "paper": paper, "sentence": "Kettles boil.", "score": 2.5}],
        "confidence": confidence,
        "model": "extractive",
        "notices": [],
        "seconds": {"retrieve": 0.5, "extract": 0.25, "total": 1.0},
        "trace": {
            "standalone_question": question.question,
            "hits": [
                {"title": "Kettle", "score": 0.75, "scores": {"bm25": 9.0}},
                {"title": "Mug", "score": 0.25, "scores": {"bm25": 3.0}},
            ],
            "rejected": [
                {"text": "It takes 99.", "score": 0.1, "reasons": ["99 isn't in the evidence"]}
            ],
        },
        **more,
    }


def case(question, said, **more):
    """Return what became of the question, by what was said as `SAID` puts it."""
    if said is None:
        return Case(id=question.id, answer=None, error="ModelError: gone", seconds=1.0)
    return Case(id=question.id, answer=answer(question, *said, **more), error="", seconds=1.0)


def made_log(path="a.jsonl", said=SAID, questions=QUESTIONS, state=STATE, **more):
    """Return a log in memory; `more` goes into every answer."""
    cases = {one.id: case(one, said[one.id], **more) for one in questions if one.id in said}
    return RunLog(path=Path(path), run=state, questions=tuple(questions), cases=cases)


def write_log(path, **options):
    """Write such a log to `path`, as a run does, and return it."""
    made = made_log(path, **options)
    log = RunLog.create(path, made.run, made.questions)
    for one in made.cases.values():
        log.add(one)
    return log


def hostile_log():
    """Return a log that has `EVIL` wherever a log has text; one of its two cases is an error."""
    questions = tuple(
        Question(
            id=f"{EVIL}{place}",
            type=kind,
            question=EVIL,
            gold=(EVIL,),
            must_include=((EVIL,),),
            must_not_include=(EVIL,),
            reference=EVIL,
        )
        for place, kind in enumerate((EVIL, "single"))
    )
    paper = {"title": EVIL, "url": "javascript:window.hurt=3"}
    more = {
        "citations": [
            {"number": EVIL, "paper": paper, "sentence": EVIL, "claim": EVIL, "tier": EVIL}
        ],
        "evidence": [{"key": EVIL, "paper": paper, "sentence": EVIL, "scores": {EVIL: 1.0}}],
        "model": EVIL,
        "notices": [EVIL],
        "seconds": {EVIL: 1.0, "total": 2.0},
        "trace": {
            "standalone_question": EVIL + "?",
            "hits": [{"title": EVIL, "score": 1.0, "scores": {EVIL: 1.0}}],
            "rejected": [{"text": EVIL, "score": None, "reasons": [EVIL]}],
            "unknown_numbers": [EVIL],
            "flagged": [{"field": EVIL, "text": EVIL, "reasons": [EVIL]}],
        },
    }
    said = {questions[0].id: (EVIL, 0.5), questions[1].id: None}
    state = {part: {EVIL: EVIL} for part in ("settings", "prompts", "machine", "library")}
    state |= {"git": {"commit": EVIL}, "started": EVIL}
    return made_log(f"{EVIL.replace('/', '')}.jsonl", said, questions, state, **more)
