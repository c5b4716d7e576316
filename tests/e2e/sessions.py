"""How long answers take while several ask: `python -m tests.e2e.sessions [MODELS] [MOST]`.

Prints a table for one session, half of MOST (10) and MOST, each a browser's tab with a
conversation of its own, all asking at the same moments; answers quote the papers. An answer is
wrong where it isn't what a lone session got to the same question. Exits 1 on errors and wrong ones.
"""

import math
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, expect
from playwright.sync_api import TimeoutError as TooLate

from assistant.settings import Settings
from evals.readings import hardware
from tests.e2e import serving
from tests.e2e.conftest import WIDE, Tab

QUESTIONS = (
    "How fast is DDRNet on Cityscapes?",
    "Which papers prune networks at initialization?",
    "How does MiniLM distill a large transformer into a small one?",
    "What do lottery tickets show about pruning networks early in training?",
    "Which approach brings pseudo relevance feedback to dense retrievers?",
    "How do m2mKD and EMoE differ in the way they draw on pretrained nets?",
    "How much do lottery tickets at initialization cut the carbon footprint?",
    "Which subnetworks can be trained alone to the accuracy of the whole network?",
    "What does graph pooling lose?",
    "How is the robustness of image classifiers measured?",
)
PATIENCE_MS = 120_000
# Notes, in the page, when a question was sent, when the first words of its answer stood there, and
# when all of it did.
_WATCH = """() => {
  const count = what => document.querySelectorAll(`#chat ${what}`).length;
  window.asked = [];
  document.addEventListener("keydown", event => {
    if (event.key !== "Enter" || !event.target.closest("#question")) return;
    const before = {answers: count(".answer"), wholes: count(".facts:not(.checks)")};
    window.asked.push({sent: performance.now(), ...before});
  }, true);
  new MutationObserver(() => {
    const last = window.asked.at(-1);
    if (!last) return;
    if (!last.first && count(".answer") > last.answers) last.first = performance.now();
    if (!last.whole && count(".facts:not(.checks)") > last.wholes) last.whole = performance.now();
  }).observe(document.querySelector("#chat"), {subtree: true, childList: true});
}"""
_TIMES = "() => window.asked.map(one => [one.first - one.sent, one.whole - one.sent])"
# Of a question without an answer both are NaN.


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What so many sessions got; seconds to the first words and to whole answers."""

    sessions: int
    first: tuple[float, ...]
    whole: tuple[float, ...]
    errors: tuple[str, ...]
    wrong: tuple[str, ...]

    def __str__(self) -> str:
        """A line of the table."""
        spent = [
            np.percentile(seconds, share) if seconds else np.nan
            for seconds in (self.first, self.whole)
            for share in (50, 95)
        ]
        counts = (self.sessions, len(self.whole), len(self.errors), len(self.wrong))
        worst = max(self.whole, default=np.nan)
        return "".join(f"{one:>10}" for one in counts) + "".join(
            f"{one:>12.2f}" for one in (*spent, worst)
        )


HEAD = "".join(f"{one:>10}" for one in ("sessions", "answers", "errors", "wrong")) + "".join(
    f"{one:>12}" for one in ("first p50", "first p95", "whole p50", "whole p95", "worst, s")
)


@contextmanager
def opened(chromium: Browser, address: str, sessions: int) -> Iterator[list[Tab]]:
    """Open tabs that share nothing, not even cookies."""
    contexts = [chromium.new_context(viewport=WIDE) for _ in range(sessions)]
    try:
        yield [Tab(context.new_page(), address) for context in contexts]
    finally:
        for context in contexts:
            context.close()


def answers_alone(chromium: Browser, address: str, questions: Sequence[str]) -> dict[str, str]:
    """Return what a lone user gets to each question, in conversations of their own."""
    found = {}
    with opened(chromium, address, 1) as [tab]:
        for question in questions:
            found[question] = tab.ask(question).locator(".answer").first.inner_text()
            tab.page.locator("#clear").click()
            expect(tab.replies).to_have_count(0)
    return found


def measure(
    chromium: Browser, address: str, sessions: int, expected: dict[str, str], rounds: int
) -> Measured:
    """Let the sessions ask at once, each another question, in several rounds."""
    questions = list(expected)
    errors: list[str] = []
    wrong: list[str] = []
    times: list[tuple[float, float]] = []
    with opened(chromium, address, sessions) as tabs:
        for tab in tabs:
            tab.page.evaluate(_WATCH)
        for turn in range(rounds):
            asked = [questions[(place + turn) % len(questions)] for place in range(sessions)]
            for tab, question in zip(tabs, asked, strict=True):
                tab.page.locator("#clear").click()
                expect(tab.replies).to_have_count(0)
                # Until the answer before has ended altogether, Enter asks nothing.
                expect(tab.page.locator("#question .submit-button")).to_be_visible()
                tab.box.fill(question)
            for tab in tabs:
                tab.box.press("Enter")
            for tab, question in zip(tabs, asked, strict=True):
                try:
                    tab.page.wait_for_selector("#chat .facts:not(.checks)", timeout=PATIENCE_MS)
                except TooLate:
                    errors.append(f"no answer to {question}: {tab.replies.all_inner_texts()}")
                    continue
                if tab.replies.last.locator(".answer").first.inner_text() != expected[question]:
                    wrong.append(question)
        for tab in tabs:
            times += tab.page.evaluate(_TIMES)
            errors += tab.complaints
    whole = [(first / 1000, last / 1000) for first, last in times if math.isfinite(first + last)]
    return Measured(
        sessions=sessions,
        first=tuple(first for first, _ in whole),
        whole=tuple(last for _, last in whole),
        errors=tuple(errors),
        wrong=tuple(wrong),
    )


def main() -> None:
    """Fill a library, serve it, and print the table."""
    models = Path(sys.argv[1]) if len(sys.argv) > 1 else Settings.load().models
    most = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    say = sys.stdout.write
    bad: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        serving.fill(home, models)
        # Else the second to ask a question would be given the first one's answer.
        with (
            serving.served(home, models, ASSISTANT_CACHE_MB="0") as address,
            serving.browser() as chromium,
        ):
            expected = answers_alone(chromium, address, QUESTIONS)
            say(f"{hardware()}\n{HEAD}\n")
            for sessions in sorted({1, max(1, most // 2), most}):
                found = measure(chromium, address, sessions, expected, rounds=3)
                say(f"{found}\n")
                sys.stdout.flush()
                bad += [*found.errors, *found.wrong]
    if bad:
        sys.exit("\n".join(bad))


if __name__ == "__main__":
    main()
