"""Files that are uploaded, asked for and added: none from where it must not be."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

from assistant.app import Assistant
from assistant.errors import InputError
from assistant.readers import read_papers
from assistant.settings import Settings
from assistant.types import Problem
from assistant.web.library.adding import given
from tests.e2e.serving import served
from tests.samples import SAMPLE

SECRET = "of nobody's business"


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, models_folder: Path
) -> Iterator[tuple[str, Path]]:
    """Serve the page in a process of its own; yield its address and home."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, models=models_folder, model="extractive", offline=True)
    with Assistant(settings) as assistant:
        assistant.add_papers(SAMPLE)
    (home / "conversations.sqlite").write_text(SECRET)
    (home / "secret.env").write_text(SECRET)
    with served(home, models_folder) as address:
        yield address, home


def got(address: str) -> tuple[int, str]:
    """Return status and body; the path goes out as it is written."""
    try:
        with urlopen(Request(address), timeout=60) as response:
            return response.status, response.read().decode(errors="replace")
    except HTTPError as error:
        with error:
            return error.code, error.read().decode(errors="replace")


@pytest.mark.parametrize("prefix", ["/gradio_api/file=", "/file=", "/gradio_api/file/", "/static/"])
@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "{home}/secret.env", "{home}/conversations.sqlite", "../../../etc/passwd",
     "%2e%2e/%2e%2e/%2e%2e/etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "file:///etc/passwd",
     "{home}/library/papers.sqlite"],
)  # fmt: skip
def test_no_file_of_the_machine_is_served(site: tuple[str, Path], prefix: str, path: str) -> None:
    address, home = site
    status, body = got(f"{address}{prefix}{path.format(home=quote(str(home)))}")
    assert status >= 400
    assert SECRET not in body
    assert "root:" not in body
    assert "SQLite format" not in body


def test_the_page_calls_no_address_for_a_client(site: tuple[str, Path]) -> None:
    """Gradio can fetch files for its apps; here no client may name an address."""
    address, _ = site
    for path in ("/gradio_api/proxy=http://127.0.0.1:9/x", "/gradio_api/file=http://127.0.0.1:9/x"):
        status, _ = got(address + path)
        assert status >= 400


def test_an_upload_is_known_by_its_last_name_only(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.bib").write_text("@article{a, title={A}}")
    [one] = given([f"{tmp_path}/a/../a/x.bib"], "")
    assert one.name == "x.bib"
    for name in ("/etc/passwd", "settings.env", "x.bib/..", "x.sqlite"):
        with pytest.raises(InputError, match="files of this kind"):
            given([name], "")


class TestLinks:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        outside = tmp_path / "outside"
        outside.mkdir()
        (outside / "secret.bib").write_text(
            "@article{s, title={S}, abstract={We counted the bees in spring, "
            + SECRET
            + ", and there were twelve.}}"
        )
        folder = tmp_path / "folder"
        folder.mkdir()
        (folder / "link.bib").symlink_to(outside / "secret.bib")
        (folder / "folder").symlink_to(outside, target_is_directory=True)
        (folder / "up").symlink_to(tmp_path, target_is_directory=True)
        (folder / "self").symlink_to(folder, target_is_directory=True)
        (folder / "nothing.bib").symlink_to(tmp_path / "nothing")
        os.mkfifo(folder / "pipe.bib")
        (folder / "own.bib").write_text(
            "@article{o, title={O}, abstract={We counted our own bees in spring: twelve of them.}}"
        )
        return folder

    def test_none_leads_out_of_the_folder(self, folder: Path) -> None:
        records = list(read_papers(folder))
        assert SECRET not in str(records)
        reasons = {one.source: one.reason for one in records if isinstance(one, Problem)}
        assert set(reasons) == {
            f"folder/{name}" for name in ("link.bib", "folder", "up", "self", "nothing.bib",
                                          "pipe.bib")
        }  # fmt: skip
        assert len(records) == len(reasons) + 1

    def test_nor_does_what_the_command_adds(
        self, folder: Path, library: Callable[..., Assistant]
    ) -> None:
        assistant = library(())
        report = assistant.add(folder)
        assert (report.added, report.skipped) == (1, 6)
        assert SECRET not in str(list(assistant.papers()))
