"""Check the installation, and name what repairs each fault."""

import importlib.metadata
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assistant.errors import (
    AssistantError,
    KeptSettingsError,
    StoreElsewhereError,
    StoreUnavailableError,
)
from assistant.protocols import Progress
from assistant.settings import Settings

if TYPE_CHECKING:
    from assistant.integrity import Fault

REBUILD = "assistant doctor --rebuild"
REPAIR = "assistant doctor --repair"
PACKAGES = (
    "llama-index-core",
    "chromadb",
    "openai",
    "gradio",
    "tantivy",
    "onnxruntime",
    "tokenizers",
    "xllamacpp",
)
SPARE_BYTES = 500 * 2**20


@dataclass(frozen=True, kw_only=True)
class Check:
    """One finding; a note is worth knowing but stops nothing."""

    name: str
    state: Literal["ok", "note", "fault"]
    detail: str
    repair: str = ""


def examine(*, quick: bool = False) -> list[Check]:
    """Return all findings; `quick` trusts the models' sizes instead of hashing them."""
    try:
        settings = Settings.load()
    except KeptSettingsError as error:
        return [Check(name="settings", state="fault", detail=str(error), repair=REPAIR)]
    except AssistantError as error:
        return [Check(name="settings", state="fault", detail=str(error), repair="edit .env")]
    checks: tuple[Callable[[], Iterator[Check]], ...] = (
        _python,
        _packages,
        lambda: _settings(settings),
        lambda: _disk(settings),
        lambda: _models(settings, quick),
        lambda: _embedder(settings),
        lambda: _server(settings),
        lambda: _library(settings, quick),
        lambda: _kept(settings),
    )
    return [finding for check in checks for finding in check()]


def rebuild(progress: Progress) -> list[str]:
    """Make all indexes anew, and the catalog of what is whole; return what to say of it.

    Raises:
        LibraryError: the library can't be written.
    """
    from assistant.app import Assistant
    from assistant.integrity import file_faults
    from assistant.mending import mend_library

    settings = Settings.load()
    folder = settings.home / "library"
    faults = file_faults(folder)
    said, loose = mend_library(folder, faults) if faults else ([], [])
    with Assistant(settings, progress=progress) as assistant:
        if loose:
            assistant.add_papers(loose)
        left = assistant.rebuild() if assistant.count() else 0
    return [*said, f"rebuilt; {left} papers without vectors"]


def repair(progress: Progress) -> list[str]:
    """Mend what the home keeps, then fetch damaged models; return what to say of it.

    Raises:
        LibraryError: the home can't be written.
        ModelFilesError: a model can't be had.
    """
    from assistant.mending import mend_kept

    said = mend_kept(Settings.home_named())
    repair_models(progress)
    return said


def repair_models(progress: Progress) -> None:
    """Fetch whatever of the embedded models is missing or damaged.

    Raises:
        ModelFilesError: a model can't be had.
    """
    from assistant.adapters import model_files

    settings = Settings.load()
    for kind in _needed(settings):
        model = model_files.known_model(kind)
        for line in model_files.verify(model, settings.models):
            if "SHA-256" in line:
                Path(line.removesuffix(" doesn't have its SHA-256")).unlink(missing_ok=True)
        (model.folder(settings.models) / ".verified").unlink(missing_ok=True)
        model_files.fetch(model, settings.models, progress, offline=settings.offline)


def _needed(settings: Settings) -> tuple[str, ...]:
    local = settings.chat_model == "local" and not settings.local_model_path
    own = () if settings.embedder else ("embedder",)
    return (*own, "chat") if local else own


def _python() -> Iterator[Check]:
    version = ".".join(map(str, sys.version_info[:3]))
    fine = sys.version_info >= (3, 11)
    yield Check(
        name="Python",
        state="ok" if fine else "fault",
        detail=version,
        repair="" if fine else "install Python 3.11 or newer, then 'make run'",
    )


def _packages() -> Iterator[Check]:
    found, missing = [], []
    for name in PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        detail = f"missing: {', '.join(missing)}"
        yield Check(name="packages", state="fault", detail=detail, repair="pip install .")
    else:
        yield Check(name="packages", state="ok", detail=", ".join(found))


def _settings(settings: Settings) -> Iterator[Check]:
    detail = f"{settings.model} → {settings.chat_model}; home {settings.home}"
    yield Check(name="settings", state="ok", detail=detail)
    if settings.chat_model == "openai":
        key = "a key is set" if settings.openai_api_key else "no key is set"
        address = settings.public()["openai_base_url"] or "OpenAI's own address"
        needs = not settings.openai_api_key and not settings.openai_base_url
        yield Check(
            name="OpenAI",
            state="fault" if needs else "ok",
            detail=f"{key}; {address}; model {settings.openai_model}",
            repair="put OPENAI_API_KEY=… into .env",
        )


def _disk(settings: Settings) -> Iterator[Check]:
    folder = settings.home
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    yield Check(
        name="disk",
        state="ok" if free > SPARE_BYTES else "fault",
        detail=f"{free // 2**20:,} MB free at {folder}",
        repair="free space, or set ASSISTANT_HOME to another disk",
    )


def _models(settings: Settings, quick: bool) -> Iterator[Check]:
    from assistant.adapters import model_files

    for kind in _needed(settings):
        model = model_files.known_model(kind)
        if quick:
            wrong = [] if model_files.is_present(model, settings.models) else ["not fetched yet"]
        else:
            wrong = model_files.verify(model, settings.models)
        yield Check(
            name=f"model {model.name}",
            state="fault" if wrong else "ok",
            detail="; ".join(wrong) or f"present, {'size' if quick else 'SHA-256'} as expected",
            repair=REPAIR,
        )


def _embedder(settings: Settings) -> Iterator[Check]:
    """Check an embedder of the user's own choice; a server isn't called."""
    from assistant.adapters.embedders import embedder_name, open_embedder

    if not settings.embedder:
        return
    name = embedder_name(settings.embedder)
    try:
        open_embedder(settings.embedder, settings, _silent)
    except AssistantError as error:
        yield Check(name="embedder", state="fault", detail=str(error), repair="edit .env")
    else:
        yield Check(name="embedder", state="ok", detail=name)


def _silent(what: str, done: int, total: int) -> None:
    """Report no progress."""


def _server(settings: Settings) -> Iterator[Check]:
    """Check the Chroma server's version, and what it says of the library's collection."""
    from assistant.adapters.chroma_places import server_of
    from assistant.adapters.chroma_schema import faults
    from assistant.library import Library

    if not settings.chroma_url:
        return
    server = server_of(settings, settings.chroma_url)
    client = importlib.metadata.version("chromadb")
    try:
        version = server.version()
    except AssistantError as error:
        yield Check(
            name="Chroma server",
            state="fault",
            detail=str(error),
            repair="start the server, or edit .env; without it papers are found by words only",
        )
        return
    yield Check(
        name="Chroma server",
        state="ok",
        detail=f"{server}: API {version}; the client is chromadb {client}",
    )
    if not (settings.home / "library" / "papers.sqlite").is_file():
        return
    library = Library(settings, _silent)
    try:
        wrong = faults(
            server,
            library.stores.full_name(library.stores.name),
            library.embedder_name,
            library.catalog.meta("dimension"),
        )
    except AssistantError as error:
        wrong = [(str(error), "assistant doctor --rebuild")]
    finally:
        library.close()
    for detail, repair in wrong:
        yield Check(name="collection", state="fault", detail=detail, repair=repair)
    if not wrong:
        yield Check(name="collection", state="ok", detail=f"as the library's on {server.url}")


def _library(settings: Settings, quick: bool) -> Iterator[Check]:
    from assistant.adapters.embedders import embedder_name
    from assistant.app import Assistant
    from assistant.integrity import file_faults, vector_faults

    folder = settings.home / "library"
    if folder.exists() and not os.access(folder, os.W_OK):
        yield Check(
            name="library",
            state="fault",
            detail=f"{folder} can't be written: a read-only file system, or no permission",
            repair="make the folder writable, or set ASSISTANT_HOME to another",
        )
        return
    faults = [] if quick else file_faults(folder)
    if faults:
        yield from (_damage(fault) for fault in faults)
        return
    if not (folder / "papers.sqlite").is_file():
        yield Check(
            name="library",
            state="note",
            detail="empty",
            repair="assistant add FILE…, or assistant add --bundled",
        )
        return
    try:
        with Assistant(settings) as assistant:
            papers, passages = assistant.count(), assistant.passage_count()
            pending = assistant.catalog.todo_count("vectors")
            made_with = assistant.library.embedder_name
            if not quick:
                faults = vector_faults(assistant.catalog, assistant.library.store())
    except AssistantError as error:
        repair = REBUILD
        if isinstance(error, StoreElsewhereError):
            repair = f"assistant copy FROM TO, or {REBUILD}"
        elif isinstance(error, StoreUnavailableError):
            repair = "as for the Chroma server"
        yield Check(name="library", state="fault", detail=str(error), repair=repair)
        return
    yield from (_damage(fault) for fault in faults)
    detail = f"{papers} papers, {passages} passages, {pending} papers without vectors"
    repair = REBUILD if papers and not passages + pending else ""
    state: Literal["ok", "note", "fault"] = "fault" if repair else "ok"
    if pending:
        state, repair = "note", "assistant index"
    elif made_with != embedder_name(settings.embedder):
        state, repair = "note", "assistant reembed"
        detail += f"; its vectors are of {made_with}"
    yield Check(name="library", state=state, detail=detail, repair=repair)


def _damage(fault: "Fault") -> Check:
    return Check(name="library", state="fault", detail=fault.detail, repair=REBUILD)


def _kept(settings: Settings) -> Iterator[Check]:
    from assistant.integrity import kept_faults

    for detail in kept_faults(settings.home):
        yield Check(name="kept", state="fault", detail=detail, repair=REPAIR)
