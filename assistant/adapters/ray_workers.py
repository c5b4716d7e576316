"""Workers of a Ray cluster, or of one started here (extra `ray`): Ray Data reads and embeds.

The tasks and actors below run on the nodes, which need this package, the files at the same
paths, and the embedder's files. They write nothing: what they return, one process stores.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from assistant.errors import AssistantError, ModelError, SettingsError, WorkersError
from assistant.protocols import Embedder, Vectors
from assistant.settings import Settings
from assistant.types import Paper, Problem

ReadFile = Callable[[Path, str], Iterator[Paper | Problem]]
LOCAL = "local"
LOOPBACK = "127.0.0.1"
CHUNK = 500
# So often in a row may all be lost before a single batch is done.
MOST_FAILURES = 3
PATIENCE_SECONDS = 300.0
OBJECT_STORE_BYTES = 512 * 2**20
ENVIRONMENT = {
    # Ray would tell its makers how it is used, and the assistant tells nobody.
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # What goes wrong is raised as well, and told in words that say what to do.
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}
"""What Ray reads at its start, unless it is set already."""


class RayWorkers:
    """Tasks that read files and actors that hold the embedder, each of one thread.

    Use it as a context manager: a Ray that was started here ends with it, one that was there stays.
    """

    def __init__(
        self,
        read_file: ReadFile,
        embedder: str,
        settings: Settings,
        address: str = LOCAL,
        actors: int | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Connect to the cluster at `address`, or start one here.

        `read_file` yields the records of a path by the name of its source, and goes to the nodes as
        it is imported; `embedder` is the name in a library; `actors` is how many embed, by default
        as many as the cluster has processors. After `patience` seconds without progress embedding
        is begun anew, and reading given up.

        Raises:
            SettingsError: the extra isn't installed.
            WorkersError: there is no cluster at the address.
        """
        self._ray = _imported()
        self._read_file = read_file
        self._embedder = embedder
        self._settings = _what_actors_need(settings, embedder)
        self._actors = actors
        self._is_own = not self._ray.is_initialized()
        self.dashboard = ""
        if self._is_own:
            self.dashboard = self._connect(address)
        self._configure(patience)

    def _connect(self, address: str) -> str:
        """Start or join Ray; return the address of its dashboard, empty where it has none."""
        here: dict[str, Any] = (
            {
                "num_cpus": self._actors,
                "object_store_memory": OBJECT_STORE_BYTES,
                "_node_ip_address": LOOPBACK,
            }
            if address == LOCAL
            else {}
        )
        try:
            context = self._ray.init(
                address=address, logging_level=logging.ERROR, log_to_driver=False, **here
            )
        except Exception as error:
            raise WorkersError(
                f"There is no Ray cluster to join at {address} ({type(error).__name__}: {error}); "
                "start one with 'ray start --head', run the command on one of its nodes, or use "
                "--ray local."
            ) from error
        return str(getattr(context, "dashboard_url", "") or "")

    def _configure(self, patience: float) -> None:
        from ray.data import DataContext

        context = DataContext.get_current()
        context.enable_progress_bars = False  # There is one bar, of what is stored.
        context.print_on_execution_start = False
        context.execution_no_progress_timeout_s = patience
        logging.getLogger("ray.data").setLevel(logging.CRITICAL)

    @staticmethod
    def _keep_order(keep: bool) -> None:
        """Say of the data sets made from now on whether their rows come in order."""
        from ray.data import DataContext

        DataContext.get_current().execution_options.preserve_order = keep

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the cluster; end it if it was started here."""
        if self._is_own:
            self._ray.shutdown()

    def read(self, files: Sequence[tuple[Path, str]]) -> Iterator[Paper | Problem]:
        """Yield the records of files, each with the name of its source, in their order.

        Raises:
            WorkersError: the cluster is lost.
        """
        items = [
            {"number": number, "path": str(path.absolute()), "source": source}
            for number, (path, source) in enumerate(files)
        ]
        if not items:
            return
        # Records must come as one process would read them: the first of two names the paper.
        self._keep_order(True)
        data = self._ray.data.from_items(items, override_num_blocks=len(items))
        rows = iter(self._reading(data).iter_rows())
        while True:
            try:
                row = next(rows, None)
            except Exception as error:
                raise _lost(error, "reading") from error
            if row is None:
                return
            yield from map(_record, json.loads(row["records"]))

    def _reading(self, data: Any) -> Any:
        return data.map_batches(
            _read, batch_size=1, batch_format="numpy", fn_args=(self._read_file,)
        )

    def embed(self, batches: Sequence[Sequence[str]]) -> Iterator[tuple[int, Vectors]]:
        """Yield each batch's place and (texts, dimension) vectors once, in any order.

        Ray starts the actors of a lost node on others. Where these are full, a batch would wait for
        ever: a run without progress is given up, and the rest begins anew on what nodes there are.

        Raises:
            ModelError: the embedder can't be had or fails.
            WorkersError: the cluster is lost, again and again.
        """
        left = {place: json.dumps(list(texts)) for place, texts in enumerate(batches)}
        failures = 0
        while left:
            try:
                for place, vectors in self._embed(left):
                    del left[place]
                    failures = 0
                    yield place, vectors
            except AssistantError:
                raise
            except Exception as error:
                failures += 1
                if failures >= MOST_FAILURES:
                    raise _lost(error, "embedding") from error

    def _embed(self, texts: Mapping[int, str]) -> Iterator[tuple[int, Vectors]]:
        """Yield what one run over all batches gives, until it ends or a worker is lost."""
        items = [{"place": place, "texts": batch} for place, batch in texts.items()]
        # What is done is stored, though a batch before it be lost.
        self._keep_order(False)
        data = self._ray.data.from_items(items, override_num_blocks=len(items))
        found = data.map(
            _Encoder,
            fn_constructor_args=(self._embedder, self._settings),
            compute=self._ray.data.ActorPoolStrategy(size=self._pool(len(items))),
            num_cpus=1,
        )
        for row in found.iter_rows():
            if row["error"]:
                raise ModelError(row["error"])
            vectors = np.frombuffer(row["vectors"], np.float32)
            yield int(row["place"]), vectors.reshape(-1, int(row["dimension"]))

    def _pool(self, batches: int) -> int:
        """Return how many actors there are work and processors for now."""
        processors = int(self._ray.cluster_resources().get("CPU", 1))
        return max(1, min(self._actors or processors, processors, batches))


def _imported() -> Any:
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise SettingsError(
            "Adding with Ray needs a package that isn't installed: "
            "pip install 'abstract-assistant[ray]'."
        ) from error
    return ray


def _what_actors_need(settings: Settings, embedder: str) -> Settings:
    """Return the settings of one thread, without the secrets that an actor has no use for."""
    openai = embedder.startswith("openai:")
    key = settings.openai_api_key if openai else ""
    blank: dict[str, Any] = dict.fromkeys(("token", "user", "password", "chroma_token"), "")
    return replace(settings, threads=1, openai_api_key=key, **blank)


def _lost(error: Exception, what: str) -> WorkersError:
    first = str(error).strip().partition("\n")[0]
    return WorkersError(
        f"Ray failed while {what} ({type(error).__name__}: {first}); what was stored stays, so "
        "look at the cluster ('ray status') and give the same command again."
    )


# --- on the nodes ----------------------------------------------------------------------


def _read(batch: Mapping[str, Any], read_file: ReadFile) -> Iterator[dict[str, list[str]]]:
    """Yield the records of one file in chunks, as JSON."""
    records = read_file(Path(str(batch["path"][0])), str(batch["source"][0]))
    while chunk := list(islice(records, CHUNK)):
        yield {"records": [json.dumps([_plain(record) for record in chunk])]}


def _plain(record: Paper | Problem) -> dict[str, Any]:
    if isinstance(record, Paper):
        return {"paper": record.to_dict()}
    return {"problem": vars(record)}


def _record(plain: Mapping[str, Any]) -> Paper | Problem:
    if "paper" in plain:
        return Paper.from_dict(plain["paper"])
    return Problem(**plain["problem"])


class _Encoder:
    """An actor: holds the embedder, and turns a batch's texts into vectors."""

    def __init__(self, name: str, settings: Settings) -> None:
        # One thread each: the tokenizer would take every core for itself.
        os.environ["TOKENIZERS_PARALLELISM"] = "false"
        self._name = name
        self._settings = settings
        self._opened: Embedder | None = None

    def __call__(self, row: Mapping[str, Any]) -> dict[str, Any]:
        # What is raised here would reach the other side wrapped, and unlike what was meant.
        try:
            vectors = self._embedder().embed(json.loads(row["texts"]))
        except AssistantError as error:
            return {"place": row["place"], "vectors": b"", "dimension": 0, "error": str(error)}
        return {
            "place": row["place"],
            "vectors": vectors.astype(np.float32).tobytes(),
            "dimension": vectors.shape[1],
            "error": "",
        }

    def _embedder(self) -> Embedder:
        from assistant.adapters.embedders import open_embedder, spec_of

        if self._opened is None:
            self._opened = open_embedder(spec_of(self._name), self._settings, _silent)
        return self._opened


def _silent(what: str, done: int, total: int) -> None:
    """Report no progress."""
