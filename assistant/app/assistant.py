"""`Assistant` and `ask()`: the one place where the parts are put together."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from assistant.app.chat_models import ChatModels
from assistant.app.models import Judge, Models
from assistant.app.questions import Questions
from assistant.app.turns import Turn, Where, as_filter
from assistant.errors import LibraryBusyError, SettingsError, StoreError
from assistant.library import Library
from assistant.settings import Settings
from assistant.types import AddReport, Answer, Paper, Problem, SyncReport

if TYPE_CHECKING:
    from assistant.adapters.llama_index_retrieval import HybridRetriever
    from assistant.adapters.sqlite_catalog import SqliteCatalog
    from assistant.protocols import ChatModel, Embedder, Progress

SLICE = 128
STORE_WAIT = 5.0


def _embedder(given: object) -> "Embedder | None":
    if given is None:
        return None
    from assistant.adapters.llama_index_embedder import as_embedder

    return as_embedder(given)


def _silent(what: str, done: int, total: int) -> None:
    """Report no progress."""


class Assistant(Questions):
    """A library of papers and the questions put to it.

    Every part is made at its first use, so that making an `Assistant` costs nothing.
    Use it as a context manager, or call `close()`, to end the local model's process.
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        progress: "Progress | None" = None,
        llm: object = None,
        embed_model: object = None,
        **overrides: Any,
    ) -> None:
        """Read the settings (environment and `.env`) unless given; `overrides` change single ones.

        `progress` is called with what is done, how much of it, and of how much. `llm` and
        `embed_model` go before the models that the settings name: any llama-index `LLM` and
        embedding, or a `ChatModel` and `Embedder` of `assistant.protocols`.

        Raises:
            SettingsError: a setting has no meaning.
            ModelError: `embed_model` is no embedder.
        """
        try:
            chosen = replace(settings or Settings.load(), **overrides)
        except TypeError as error:
            raise SettingsError(f"Unknown setting ({error}); see assistant.Settings.") from error
        progress = progress or _silent
        models = Models(chosen, progress, llm)
        library = Library(chosen, progress, Judge(models), _embedder(embed_model))
        super().__init__(chosen, library, models)
        self._closed = threading.Event()
        self._warm = threading.Event()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Free what was opened."""
        self.close()

    async def __aenter__(self) -> Self:
        """Return itself."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Free what was opened."""
        self.close()

    def close(self) -> None:
        """Cancel what is being asked, end the local model's process and close the library."""
        self._closed.set()
        self.cancel()
        self._send_rest()
        self._models.close()
        self.library.close()

    # --- parts -------------------------------------------------------------------------

    @property
    def folder(self) -> Path:
        """Where the library lives."""
        return self.library.folder

    @property
    def catalog(self) -> "SqliteCatalog":
        """The record of all papers."""
        return self.library.catalog

    @property
    def retriever(self) -> "HybridRetriever":
        """The hybrid retriever, also usable in llama-index's own query engines."""
        return self.library.retriever

    def chat_model(self) -> "ChatModel | None":
        """Return the chat model that the settings name, ready; None for extractive.

        A model that can't be had becomes a notice with every answer, and None.
        """
        return self._models.chat()

    @property
    def chat(self) -> ChatModels:
        """What fetches, starts and keeps the chat model."""
        return self._models.opener

    def prepare_beside(self) -> None:
        """Fetch and start the local chat model in a thread; answers quote papers meanwhile."""
        self.chat.prepare_beside()

    def reconfigure(self, settings: Settings) -> None:
        """Answer by other settings from the next question on; home and embedder stay.

        Questions that are being answered go on with the model they have, unless it is local.
        """
        with self._lock:
            before, self.settings = self.settings, settings
            vars(self).pop("_answering", None)
            if _names_model(before) != _names_model(settings):
                self._models.reconfigure(settings)

    # --- the library -------------------------------------------------------------------

    def add(self, *paths: str | Path, vectors: bool = True) -> AddReport:
        """Add the papers of files in any supported format.

        A file that can't be read is reported and the others go in. Without `vectors` it ends
        once words find the papers; `index` does the rest.

        Raises:
            LibraryError: the library can't be written.
            UnreadableFileError: no file could be read at all.
        """
        return self.library.add(paths, vectors=vectors)

    def add_in_bulk(
        self,
        *paths: str | Path,
        address: str = "local",
        actors: int | None = None,
        patience: float = 300.0,
        say: Callable[[str], object] = str,
    ) -> AddReport:
        """Add the papers of files by the workers of a Ray cluster, many at once (extra `ray`).

        At the address "local" a cluster of `actors` is started here. Files, package and models
        must be at the same paths on all nodes. Interrupted, the same call goes on where it was.
        After `patience` seconds without progress, as when nodes are lost, the work is begun anew on
        those there are. `say` is told where Ray's dashboard is.

        Raises:
            SettingsError: the extra isn't installed.
            WorkersError: there is no such cluster, or it is lost.
            ModelError: the embedder fails; words find the papers all the same.
            LibraryError: the library can't be written.
        """
        from assistant.adapters.ray_workers import RayWorkers
        from assistant.readers import read_file

        name = self.library.embedder_name
        with RayWorkers(read_file, name, self.settings, address, actors, patience) as workers:
            if workers.dashboard:
                say(f"Ray's dashboard: http://{workers.dashboard}")
            return self.library.add_by(workers, paths)

    def add_papers(self, papers: Iterable[Paper | Problem]) -> AddReport:
        """Add papers that are at hand already."""
        return self.library.add_papers(papers)

    def add_bundled(self) -> AddReport:
        """Add the bundled sample: summaries of 140 machine-learning papers."""
        return self.library.add_bundled()

    def offer_sample(self) -> bool:
        """Add the bundled sample unless it was added once before; return whether it was.

        Who removes the sample doesn't get it back at the next start.
        """
        note = self.catalog.folder / "sample-was-offered"
        if note.exists():
            return False
        self.add_bundled()
        note.touch()
        return True

    def sync(self, folder: str | Path, *, remove: bool = False) -> SyncReport:
        """Add what a folder holds now, and name what came from it and is there no more.

        With `remove`, that is taken out of the library, unless another file gave it too.

        Raises:
            UnreadableFileError: it is no folder, or holds nothing that can be read.
            LibraryError: the library can't be written, or knows another folder of this name.
        """
        return self.library.sync(Path(folder).expanduser(), remove=remove)

    def export(self, kind: str = "bibtex", where: Where = None) -> Iterator[str]:
        """Yield the papers that pass the filter as text in one of `assistant.exports.FORMATS`.

        Raises:
            InputError: there is no such format.
            FilterError: the filter can't be read.
        """
        from assistant.exports import export

        return export(self.papers(where), kind)

    def cite(
        self, answer: Answer | Mapping[str, Any] | str, kind: str = "markdown", style: str = ""
    ) -> str:
        """Return an answer with its references, or the papers it cites, as text.

        `answer` may be an `Answer`, its JSON, or the id of a past one ("last"); `kind` one of
        `markdown`, `bibtex`, `csl-json` and `ris`; `style` a CSL style for the references of
        Markdown, as "apa".

        Raises:
            InputError: there is no such answer, format or style.
            SettingsError: styles need the extra `cite`.
        """
        from assistant.exports.answers import cited, export_answer

        known = {}
        if isinstance(answer, Answer):
            known = {one.evidence.paper.id: one.evidence.paper for one in answer.citations}
            answer = answer.to_dict()
        elif isinstance(answer, str):
            answer = self.answers.get(answer)
        papers = cited(answer, lambda name: known.get(name) or self.paper(name))
        references: list[str] = []
        if style:
            from assistant.adapters.csl_styles import references as styled

            references = styled([paper for _, paper in papers], style)
        return export_answer(answer, papers, kind, references)

    def remove(self, *paper_ids: str) -> int:
        """Take papers out of the library; return how many there were."""
        return self.library.remove(paper_ids)

    def papers(self, where: Where = None) -> Iterator[Paper]:
        """Yield every paper that passes the filter, in the order added."""
        return self.library.papers(as_filter(where))

    def paper(self, paper_id: str) -> Paper | None:
        """Return one paper, or None."""
        return self.catalog.get(paper_id)

    def count(self) -> int:
        """Return the number of papers."""
        return self.catalog.count()

    def passage_count(self) -> int:
        """Return the number of passages that have vectors."""
        return self.library.store().count()

    def index(self) -> int:
        """Finish what an interrupted `add` left; return how many papers still lack vectors."""
        return self.library.index()

    def index_beside(self) -> None:
        """Finish what an interrupted `add` left, waiting whenever a question is being answered.

        For a thread of its own; returns when all is done or the assistant is closed.
        """
        while not self._closed.is_set():
            self._idle.wait()
            try:
                if not self.library.index_some(SLICE):
                    return
            except LibraryBusyError:
                continue
            except StoreError:  # A question says so; its server may be back by and by.
                self._closed.wait(STORE_WAIT)

    def rebuild(self) -> int:
        """Make all indexes anew from the catalog; return how many papers lack vectors."""
        return self.library.rebuild()

    def reembed(self) -> int:
        """Compute all vectors with the embedder of the settings, the old ones serving meanwhile.

        Interrupted, it goes on where it was. Returns the number of papers that were embedded.
        """
        return self.library.reembed()

    def fetch_models(self) -> None:
        """Fetch what models the settings need; what can't be had is told with each answer."""
        self.library.embedder()
        self.chat.fetch()

    def warm_up(self) -> None:
        """Load what the first question needs, the chat model first: it loads beside the rest."""
        self.chat.wait()
        self.chat_model()
        if self.count():
            self.search("warm up", 1)
        self._warm.set()

    @property
    def is_warm(self) -> bool:
        """Whether `warm_up` has ended, so that no question waits for a model to load."""
        return self._warm.is_set()


def _names_model(settings: Settings) -> tuple[object, ...]:
    """Return all that makes another chat model of it."""
    return (
        settings.chat_model,
        settings.openai_api_key,
        settings.openai_base_url,
        settings.openai_model,
        settings.local_model_path,
        settings.answer_timeout,
    )


def ask(question: str, history: Sequence[Turn] = (), **settings: Any) -> Answer:
    """Answer one question with the library and model that the settings name.

    Each call opens and closes the library; make an `Assistant` for several questions.
    """
    with Assistant(**settings) as assistant:
        return assistant.ask(question, history)
