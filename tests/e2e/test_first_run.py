"""The first run: usable at once, while the chat model is fetched; then the model takes over."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from assistant.adapters.model_files import fetch, known_model
from tests.e2e import serving
from tests.e2e.conftest import Tab
from tests.e2e.hub import slow_hub

DDRNET = "How fast is DDRNet on Cityscapes?"
FETCHED_MS = 300_000


@pytest.fixture
def only_the_embedder(tmp_path: Path, models_folder: Path) -> Iterator[Path]:
    """Return a folder of models that lacks the chat model; what comes into it is deleted."""
    name = known_model("embedder").name
    models = tmp_path / "models"
    models.mkdir()
    (models / name).symlink_to(models_folder / name, target_is_directory=True)
    yield models
    shutil.rmtree(models / known_model("chat").name, ignore_errors=True)


@pytest.mark.local_model
@pytest.mark.timeout(900)
def test_answers_quote_until_the_fetched_model_takes_over(
    own_home: Path, models_folder: Path, only_the_embedder: Path, open_tab: Callable[..., Tab]
) -> None:
    chat = known_model("chat")
    fetch(chat, models_folder, lambda what, done, total: None)
    with slow_hub(chat, models_folder) as hub:
        network = {
            "ASSISTANT_MODEL": "local",
            "ASSISTANT_OFFLINE": "0",
            "HF_ENDPOINT": hub.address,
            "PIP_NO_INDEX": "1",  # What the hub can't give, nobody else is to be asked for.
            "ASSISTANT_START_TIMEOUT": "240",
            "ASSISTANT_ANSWER_TIMEOUT": "240",
        }
        with serving.served(own_home, only_the_embedder, **network) as address:
            tab = open_tab(address)
            status, head = tab.page.locator("#status"), tab.page.locator("#head")
            expect(head).to_contain_text(f"model: extractive, until {chat.name} is ready")
            expect(status).to_contain_text(re.compile(r"is being fetched \([45]\d %\)"))
            bar = status.locator("progress")
            assert 0.4 < float(bar.evaluate("bar => bar.value / bar.max")) < 0.6
            reply = tab.ask(DDRNET)
            expect(reply).to_contain_text("102 FPS")
            expect(reply.locator(".facts").first).to_contain_text("extractive")
            expect(reply.locator(".notice")).to_contain_text("meanwhile answers quote the papers")
            hub.go_on.set()
            told = f"The chat model {chat.name} is ready: it writes the answers from now on."
            expect(status).to_have_text(told, timeout=FETCHED_MS)
            expect(head).to_contain_text(f"model: {chat.name}")
            tab.send("Which papers prune networks at initialization?")
            expect(tab.wholes).to_have_count(2, timeout=FETCHED_MS)
            expect(tab.wholes.last).to_contain_text(chat.name)
            expect(tab.replies.last.locator(".notice")).to_have_count(0)
            tab.reload()
            expect(tab.replies).to_have_count(2)
            expect(status.locator("p")).to_have_count(0)
            tab.page.context.close()
