"""Papers on their way into the library: read and stored in a thread, watched by the page."""

import io
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from assistant.app import Assistant
from assistant.errors import AssistantError, InputError, UnreadableFileError
from assistant.readers import read_stream
from assistant.text.html import escape
from assistant.types import AddReport, Paper, Problem
from assistant.web.conversation import SOMETHING_WRONG
from assistant.web.library.table import papers_text

logger = logging.getLogger(__name__)

MOST_MEGABYTES = 100
MOST_UNPACKED = 10 * MOST_MEGABYTES * 1_000_000  # Text shrinks to a third or a tenth.
MOST_FILES = 50
MOST_PASTED = 5_000_000
PASTED = "pasted text"
# What the formats' files are called; the content decides how they are read.
SUFFIXES = (
    ".bib", ".bibtex", ".ris", ".enw", ".nbib", ".medline", ".xml", ".json", ".jsonl", ".ndjson",
    ".csv", ".tsv", ".tab", ".txt", ".ciw", ".isi", ".md", ".html", ".htm", ".atom", ".gz",
)  # fmt: skip
PROBLEMS_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class Given:
    """A file that a user gave: the name that they know it by, and its bytes or where these are."""

    name: str
    path: Path | None = None
    content: bytes = b""

    def records(self) -> Iterator[Paper | Problem]:
        """Yield what the file holds.

        Raises:
            UnreadableFileError: it can't be read as any known format.
        """
        if self.path is None:
            yield from read_stream(io.BytesIO(self.content), self.name)
            return
        try:
            stream = self.path.open("rb")
        except OSError as error:
            raise UnreadableFileError(
                f"{self.name}: it got lost on its way here ({error.strerror}); upload it again."
            ) from error
        with stream:
            yield from read_stream(stream, self.name, MOST_UNPACKED)

    def discard(self) -> None:
        """Delete the upload, which is a copy."""
        if self.path is not None:
            self.path.unlink(missing_ok=True)


def given(paths: Sequence[str], pasted: str) -> list[Given]:
    """Return what was uploaded and pasted.

    Raises:
        InputError: there is nothing, or too much, or a file of a kind that no format has.
    """
    files = [Given(name=PurePath(path).name, path=Path(path)) for path in paths]
    text = pasted.strip()
    if not files and not text:
        raise InputError("There is nothing to add; choose or drop a file, or paste records.")
    if len(files) > MOST_FILES:
        raise InputError(
            f"These are {len(files)} files; add {MOST_FILES} at a time, or use 'assistant add'."
        )
    for one in files:
        if not one.name.lower().endswith(SUFFIXES):
            raise InputError(
                f"{one.name}: files of this kind hold no records; known are {', '.join(SUFFIXES)}."
            )
        if one.path is not None and one.path.stat().st_size > MOST_MEGABYTES * 1_000_000:
            raise InputError(
                f"{one.name}: is larger than {MOST_MEGABYTES} MB; use 'assistant add' for it."
            )
    if len(text) > MOST_PASTED:
        raise InputError(
            f"The pasted text has {len(text):,} characters; {MOST_PASTED:,} is the most. "
            "Save it as a file and upload that."
        )
    if text:
        files.append(Given(name=PASTED, content=text.encode(errors="replace")))
    return files


class Addition:
    """One lot of files being added; its numbers may be read at any time."""

    def __init__(self, assistant: Assistant, files: Sequence[Given]) -> None:
        """Begin at once."""
        self._assistant = assistant
        self._files = files
        self.read = 0
        self.reading = files[0].name if files else ""
        self.report: AddReport | None = None
        self.problem = ""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def is_running(self, seconds: float) -> bool:
        """Wait so long at most; return whether papers are still being stored or embedded."""
        self._thread.join(seconds)
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            # Words first, so that the papers are found at once; then the vectors, in slices.
            self.report = self._assistant.library.add_papers(self._records(), vectors=False)
        except AssistantError as error:
            self.problem = str(error)
        except Exception:
            logger.exception("Adding failed")
            self.problem = SOMETHING_WRONG
        finally:
            for one in self._files:
                one.discard()
        if self.report is not None and self.report.kept:
            _quietly(self._assistant.index_beside)
        self._assistant.catalog.close()  # This thread's own connection.

    def _records(self) -> Iterator[Paper | Problem]:
        for one in self._files:
            self.reading = one.name
            try:
                for record in one.records():
                    self.read += 1
                    yield record
            except UnreadableFileError as error:
                reason = str(error).removeprefix(f"{one.name}: ")
                yield Problem(source=one.name, line=0, reason=reason)


def _quietly(work: Callable[[], object]) -> None:
    """Do what the next question or 'assistant index' would do too."""
    try:
        work()
    except AssistantError as error:
        logger.warning("%s", error)


def progress_html(addition: Addition, pending: int) -> str:
    """Return how far it is; `pending` papers lack vectors."""
    if addition.report is None:
        what = f"Reading {addition.reading}: {addition.read:,} records so far"
        return f'<div role="status"><p>{escape(what)}</p><progress></progress></div>'
    left = (
        f"Stored, and found by their words. {papers_text(pending)} still to be embedded, so that "
        "they are found by meaning too; you may leave this page meanwhile."
        if pending
        else "Stored. The last touches are being made."
    )
    return f'<div role="status"><p>{escape(left)}</p><progress></progress></div>'


def report_html(addition: Addition) -> str:
    """Return what became of the records: counts, and each one that was skipped, with its line."""
    if addition.problem:
        return f'<p class="problem" role="alert">{escape(addition.problem)}</p>'
    report = addition.report
    if report is None:
        return ""
    names = ("added", "replaced", "merged", "unchanged", "skipped")
    counts = ", ".join(
        f"{getattr(report, name):,} {name}" for name in names if getattr(report, name)
    )
    if report.kept:
        head = f'<p class="done">{escape(counts[:1].upper() + counts[1:])}.</p>'
    else:
        head = '<p class="problem">Nothing was added; the reasons are below.</p>'
    skipped = [_where(one) for one in report.problems if one.skipped]
    mended = [_where(one) for one in report.problems if not one.skipped]
    merged = [str(one) for one in report.near_duplicates]
    notices = "".join(f'<p class="note">{escape(notice)}</p>' for notice in report.notices)
    lists = (
        _listed("Skipped", skipped, report.skipped),
        _listed("Mended on the way in", mended, len(mended)),
        _listed("Taken for the same paper", merged, len(merged)),
    )
    return f'<div role="status">{head}{notices}{"".join(lists)}</div>'


def _where(problem: Problem) -> str:
    return str(problem) if problem.line else f"{problem.source}: {problem.reason}"


def _listed(title: str, items: Sequence[str], count: int) -> str:
    if not items:
        return ""
    shown = "".join(f"<li>{escape(item)}</li>" for item in items[:PROBLEMS_SHOWN])
    beyond = max(count, len(items)) - len(items[:PROBLEMS_SHOWN])
    more = f"<li>and {beyond:,} more</li>" if beyond > 0 else ""
    return (
        f"<details open><summary>{title}: {max(count, len(items)):,}</summary>"
        f"<ul>{shown}{more}</ul></details>"
    )
