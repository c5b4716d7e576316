"""Who may open the page, and how the settings are kept."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant import settings_file
from assistant.app import Assistant
from assistant.app.chat_models import Preparation
from assistant.errors import SettingsError
from assistant.settings import Settings
from assistant.web.access import FREE_TRIES, Brake, Gate, accounts, demanded
from assistant.web.preferences import Form, applied, keep, try_connection
from assistant.web.server import LOOPBACK
from tests.fakes import KEY, FakeServer, fails, says

FORM: dict[str, Any] = {
    "model": "openai", "name": "m", "address": "", "key": "", "forget_key": False,
    "policy": "lenient", "sentences": 8, "words": 200,
}  # fmt: skip


class TestAccounts:
    def test_one_user_whose_password_has_commas(self) -> None:
        assert accounts("ann", "a,b c") == {"ann": "a,b c"}

    def test_several(self) -> None:
        assert accounts("ann, bob", "1,2") == {"ann": "1", "bob": "2"}

    @pytest.mark.parametrize(
        ("user", "password"),
        [("ann", ""), ("", "1"), ("ann,bob", "1"), ("ann,", "1,2"), ("ann,ann", "1,2")],
    )
    def test_what_does_not_fit_is_refused(self, user: str, password: str) -> None:
        with pytest.raises(SettingsError, match="ASSISTANT_USER"):
            accounts(user, password)

    def test_beyond_this_machine_a_password_is_demanded(self) -> None:
        assert demanded("127.0.0.1", LOOPBACK, "", "") == {}
        assert demanded("0.0.0.0", LOOPBACK, "ann", "1") == {"ann": "1"}
        assert demanded("127.0.0.1", LOOPBACK, "ann", "1") == {"ann": "1"}
        with pytest.raises(SettingsError, match=r"0\.0\.0\.0.* set ASSISTANT_USER"):
            demanded("0.0.0.0", LOOPBACK, "", "")

    def test_the_gate_opens_to_the_pair_only(self) -> None:
        gate = Gate({"ann": "1", "bob": "zwei ü"})
        assert gate("bob", "zwei ü")
        wrong = [("ann", "zwei ü"), ("bob", "1"), ("", ""), ("ann", ""), ("ann", "\ud800")]
        assert not any(gate(*pair) for pair in wrong)

    def test_the_brake_makes_wait_longer_each_time_and_forgets_who_passes(self) -> None:
        now = [0.0]
        brake = Brake(lambda: now[0])
        for _ in range(FREE_TRIES):
            assert brake.wait("a") == 0
            brake.failed("a")
        assert brake.wait("a") == 2
        assert brake.wait("b") == 0
        now[0] += 2
        assert brake.wait("a") == 0
        brake.failed("a")
        assert brake.wait("a") == 4
        brake.passed("a")
        assert brake.wait("a") == 0


class TestSettingsFile:
    def test_is_read_below_the_environment(self, tmp_path: Path) -> None:
        odd = "a'b\\c\"d $HOME #e"
        settings_file.write(tmp_path, {"OPENAI_API_KEY": odd, "ASSISTANT_POLICY": "lenient"})
        assert settings_file.read(tmp_path) == {
            "OPENAI_API_KEY": odd, "ASSISTANT_POLICY": "lenient"
        }  # fmt: skip
        environ = {"ASSISTANT_HOME": str(tmp_path), "ASSISTANT_POLICY": "strict"}
        loaded = Settings.load(environ, tmp_path / "none")
        assert (loaded.openai_api_key, loaded.policy) == (odd, "strict")
        assert settings_file.overruled(tmp_path, environ) == ["ASSISTANT_POLICY"]

    def test_only_its_owner_can_read_it(self, tmp_path: Path) -> None:
        settings_file.write(tmp_path / "new", {"OPENAI_API_KEY": "k"})
        assert stat.S_IMODE((tmp_path / "new" / settings_file.NAME).stat().st_mode) == 0o600
        assert [one.name for one in (tmp_path / "new").iterdir()] == [settings_file.NAME]

    def test_no_other_variable_comes_from_it(self, tmp_path: Path) -> None:
        (tmp_path / settings_file.NAME).write_text("ASSISTANT_HOST=0.0.0.0\n")
        assert settings_file.read(tmp_path) == {}

    def test_a_line_end_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="OPENAI_API_KEY holds a line end"):
            settings_file.write(tmp_path, {"OPENAI_API_KEY": "a\nASSISTANT_HOST=x"})


class TestPreferences:
    def settings(self, tmp_path: Path, **values: Any) -> Settings:
        return Settings(home=tmp_path, models=tmp_path, **values)

    def test_apply_and_keep(self, tmp_path: Path) -> None:
        before = self.settings(tmp_path, openai_api_key=KEY)
        after = applied(Form(**FORM), before)
        assert (after.openai_api_key, after.policy) == (KEY, "lenient")
        assert (after.evidence_sentences, after.evidence_words) == (8, 200)
        assert "readable to you only" in keep(after)
        loaded = Settings.load({"ASSISTANT_HOME": str(tmp_path)}, tmp_path / "none")
        assert (loaded.model, loaded.openai_model, loaded.openai_api_key) == ("openai", "m", KEY)

    def test_the_key_goes_to_no_other_host(self, tmp_path: Path) -> None:
        before = self.settings(tmp_path, openai_api_key=KEY, openai_base_url="https://a.example/v1")
        elsewhere = Form(**FORM | {"address": "https://b.example/v1"})
        assert applied(elsewhere, before).openai_api_key == ""
        same = Form(**FORM | {"address": "https://a.example/v2"})
        assert applied(same, before).openai_api_key == KEY
        assert applied(Form(**FORM | {"forget_key": True}), before).openai_api_key == ""

    def test_an_address_with_a_login_stays_where_it_is_shown_without(self, tmp_path: Path) -> None:
        before = self.settings(tmp_path, openai_base_url="http://me:secret@box:80/v1")
        shown = str(before.public()["openai_base_url"])
        assert "secret" not in shown
        after = applied(Form(**FORM | {"address": shown}), before)
        assert after.openai_base_url == before.openai_base_url

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"address": "ftp://x"}, "The address is like"),
            ({"address": "http://[::1"}, "The address is like"),
            ({"address": "localhost:1"}, "The address is like"),
            ({"key": "a…"}, "The key holds a character"),
            ({"model": "best"}, "as the model"),
            ({"policy": ""}, "Choose one of strict, lenient"),
            ({"sentences": 0}, "Sentences of evidence: give a number from 1 to 40"),
            ({"words": None}, "Words of evidence"),
        ],
    )
    def test_what_has_no_meaning(
        self, tmp_path: Path, change: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(SettingsError, match=message):
            applied(Form(**FORM | change), self.settings(tmp_path))

    def test_a_connection_is_tested_in_plain_words(
        self, library: Callable[..., Assistant], server: FakeServer
    ) -> None:
        assistant = library(())
        form = Form(**FORM | {"address": server.address, "key": KEY})
        wanted = applied(form, assistant.settings)
        server.will(says("ready"))
        assert try_connection(wanted, assistant) == "It works: m answered."
        server.will(fails(401))
        refused = try_connection(wanted, assistant)
        assert "refused the key" in refused
        assert KEY not in refused

    def test_reconfigured_the_next_answer_is_by_the_new_model(
        self, quoting: Callable[..., Assistant], server: FakeServer
    ) -> None:
        assistant = quoting()
        assert assistant.chat_model() is None
        form = Form(**FORM | {"address": server.address, "key": KEY})
        assistant.reconfigure(applied(form, assistant.settings))
        model = assistant.chat_model()
        assert model is not None
        assert model.name == "m"


class TestPreparing:
    def test_a_model_that_cannot_be_had_is_a_notice_and_answers_quote(
        self, quoting: Callable[..., Assistant], tmp_path: Path
    ) -> None:
        assistant = quoting(model="local", models=tmp_path / "none")
        assistant.prepare_beside()
        assert assistant.chat.worker is not None
        assistant.chat.worker.join()
        assert assistant.chat.preparation.state == "failed"
        assert assistant.chat_model() is None
        assert any("can't be fetched" in notice for notice in assistant.chat.notices())

    def test_while_it_is_prepared_answers_quote_and_say_so(
        self, quoting: Callable[..., Assistant]
    ) -> None:
        assistant = quoting(model="local", answerable_at=0.0)
        assistant.chat.preparation = Preparation(state="fetching", name="small", done=2, total=9)
        answer = assistant.ask("What share of the weights does TwigNet remove?")
        assert answer.model == "extractive"
        words = "The chat model small is being fetched (22 %); meanwhile answers quote"
        assert answer.notices[0].startswith(words)

    def test_other_models_need_no_preparing(self, quoting: Callable[..., Assistant]) -> None:
        assistant = quoting()
        assistant.prepare_beside()
        assert assistant.chat.preparation.state == "idle"
