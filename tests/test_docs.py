"""Every command, snippet and notebook of the documentation runs, and shows what its page says.

A page is run from top to bottom in one shell, in a library of its own. In a `console` block, lines
after "$ " are commands (with ">" before what goes on); other lines must occur in their output.
"""

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.settings import Settings
from tests.fakes import FakeServer, says

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
NOTEBOOK = DOCS / "how-to" / "notebook.ipynb"
# What is data, not a command.
PLAIN = {"json", "text"}
# These add the bundled sample too, which is then there already.
ASSUME_THE_SAMPLE = {"models.md", "programs.md", "server.md"}
REASONS = {
    "loads the embedded model",
    "needs a key",
    "needs Docker",
    "needs a Kubernetes cluster",
    "needs the extra ray",
    "takes hours",
}
_FENCE = re.compile(
    r"(?:<!-- not run: (.*?) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block: shell text, and lines that its output must have."""

    shell: str
    shown: tuple[str, ...] = ()


def blocks(page: Path) -> list[Block]:
    """Return the blocks of a page that are to be run."""
    found = []
    for reason, language, text in _FENCE.findall(page.read_text(encoding="utf-8")):
        if reason:
            assert reason in REASONS, f"{page}: no such reason: {reason}"
        elif language == "python":
            found.append(Block(shell=f"python - <<'END_OF_SNIPPET'\n{text}END_OF_SNIPPET\n"))
        elif language == "console":
            found.append(_console(text))
        else:
            assert language in PLAIN, f"{page}: a block in {language!r} is run by nobody"
    return found


def _console(text: str) -> Block:
    shell, shown = [], []
    for line in text.splitlines():
        if line.startswith(("$ ", "> ")):
            shell.append(line[2:])
        elif line == ">":
            shell.append("")
        else:
            shown.append(line)
    return Block(shell="\n".join(shell) + "\n", shown=tuple(shown))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """Return a folder with the commands `assistant` and `python` of this environment."""
    folder = tmp_path / "bin"
    folder.mkdir()
    python = shlex.quote(sys.executable)
    for name, command in (("assistant", f"{python} -m assistant"), ("python", python)):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return folder


@dataclass(frozen=True, kw_only=True)
class Shell:
    """A shell in a folder and a library of its own, offline and extractive."""

    folder: Path
    models: Path
    model_server: str

    def run(self, parts: list[Block]) -> None:
        """Run the blocks one after the other, and find in the output what they show."""
        port = str(free_port())
        script = "".join(
            f"echo\necho '@@{number}'\n{part.shell}" for number, part in enumerate(parts)
        )
        script = script.replace("http://127.0.0.1:8000/v1", self.model_server)
        file = self.folder / "page.sh"
        script = script.replace(":7860", f":{port}").replace("8765", str(free_port()))
        file.write_text(script, encoding="utf-8")
        done = subprocess.run(
            ["bash", "-eu", str(file)],
            cwd=self._work(),
            env=self._environment(port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        outputs = re.split(r"^@@\d+\n", done.stdout, flags=re.MULTILINE)[1:]
        assert len(outputs) == len(parts), done.stdout
        for part, output in zip(parts, outputs, strict=True):
            for line in part.shown:
                assert line in output, f"{line!r} isn't in the output of\n{part.shell}{output}"

    def _work(self) -> Path:
        """Return an empty folder, with the commands of this environment beside it."""
        python = shlex.quote(sys.executable)
        tools = self.folder / "bin"
        tools.mkdir()
        chroma = shlex.quote(str(Path(sys.executable).with_name("chroma")))
        commands = {"assistant": f"{python} -m assistant", "python": python, "chroma": chroma}
        for name, command in commands.items():
            script = tools / name
            script.write_text(f'#!/bin/sh\nexec {command} "$@"\n', encoding="utf-8")
            script.chmod(0o755)
        work = self.folder / "work"
        work.mkdir()
        return work

    def _environment(self, port: str) -> dict[str, str]:
        return {
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "HOME": str(self.folder),
            "ASSISTANT_HOME": str(self.folder / "home"),
            "ASSISTANT_MODELS": str(self.models),
            "ASSISTANT_MODEL": "extractive",
            "ASSISTANT_OFFLINE": "1",
            "ASSISTANT_PORT": port,
        }


@pytest.fixture
def shell(tmp_path: Path, models_folder: Path, server: FakeServer) -> Shell:
    server.will(says("DDRNet-23-slim runs at 102 frames per second [1]."))
    return Shell(folder=tmp_path, models=models_folder, model_server=server.address)


@pytest.fixture(scope="session")
def bundled_home(tmp_path_factory: pytest.TempPathFactory, models_folder: Path) -> Path:
    """Return a home with the bundled library, whose vectors take a while."""
    home = tmp_path_factory.mktemp("bundled")
    settings = Settings(home=home, models=models_folder, model="extractive", offline=True)
    with Assistant(settings) as assistant:
        assistant.add_bundled()
    return home


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if blocks(page)],
    ids=lambda page: str(page.relative_to(DOCS)),
)
def test_every_command_and_snippet_runs(
    page: Path, shell: Shell, request: pytest.FixtureRequest
) -> None:
    if page.name in ASSUME_THE_SAMPLE:
        shutil.copytree(request.getfixturevalue("bundled_home"), shell.folder / "home")
    shell.run(blocks(page))


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_snippet_for_openai_clients_in_the_readme_runs(
    shell: Shell, bundled_home: Path
) -> None:
    shutil.copytree(bundled_home, shell.folder / "home")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    snippet = next(text for _, _, text in _FENCE.findall(readme) if "from openai" in text)
    begin = (
        "assistant serve > serve.log 2>&1 &\n"
        "until curl -s -f http://127.0.0.1:7860/readyz; do sleep 1; done\n"
    )
    asking = f"python - <<'END_OF_SNIPPET'\n{snippet}END_OF_SNIPPET\n"
    shown = ("**Sources**", " answered")
    shell.run([Block(shell=begin), Block(shell=asking, shown=shown), Block(shell="kill $!\n")])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_notebook_runs_and_an_answer_shows_itself(shell: Shell, bundled_home: Path) -> None:
    shutil.copytree(bundled_home, shell.folder / "home")
    executed = shell.folder / NOTEBOOK.name
    shutil.copy(NOTEBOOK, executed)
    execute = ["python", "-c", "from nbclient.cli import main; main()", "--inplace"]
    shell.run([Block(shell=f"{shlex.join([*execute, str(executed)])} --startup_timeout=300\n")])
    cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    assert {output["output_type"] for output in outputs} == {"stream", "execute_result"}
    printed = "".join("".join(output.get("text", "")) for output in outputs)
    for words in ("140 papers", "abstained", "→ answered", "@"):
        assert words in printed
    [shown] = ["".join(one["data"]["text/html"]) for one in outputs if "data" in one]
    assert "<details" in shown
    assert "Lottery Ticket" in shown


def test_the_notebook_is_kept_without_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert [cell for cell in code if cell["outputs"] or cell["execution_count"]] == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    reference = (tmp_path / "site" / "reference" / "python" / "index.html").read_text("utf-8")
    assert "Answer a question from the library, with citations, or abstain." in reference
    for page in (tmp_path / "site").rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        # `rel=canonical` and links that a reader may follow are no requests.
        loaded = re.findall(r"<(?:script|img|iframe)[^>]+src=.?(https?:[^\s>]+)", text)
        loaded += re.findall(r"<link[^>]+rel=.?stylesheet[^>]+href=.?(https?:[^\s>]+)", text)
        assert loaded == [], page


def test_every_page_is_in_the_menu() -> None:
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [page for page in PAGES if str(page.relative_to(DOCS)) not in menu] == []


def test_the_notices_name_every_model() -> None:
    notices = (ROOT / "THIRD_PARTY_NOTICES.md").read_text(encoding="utf-8")
    models = json.loads((ROOT / "assistant" / "data" / "models.json").read_text(encoding="utf-8"))
    for model in models.values():
        assert model["name"] in notices
        assert model["licence"] in notices


def test_every_page_that_is_linked_exists() -> None:
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "README.md"]:
        for target in re.findall(r"\]\(([^)#:]+)[)#]", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page} links {target}"
