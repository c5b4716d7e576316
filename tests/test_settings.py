"""Settings: where they come from, what they refuse, and that the key stays inside."""

import json
from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.errors import SettingsError
from assistant.settings import Settings

KEY = "sk-not-a-real-key-0123456789"


def load(tmp_path: Path, dotenv: str = "", **environ: str) -> Settings:
    """Load settings from a `.env` with this text and from these variables alone."""
    file = tmp_path / ".env"
    file.write_text(dotenv, encoding="utf-8")
    return Settings.load({"ASSISTANT_HOME": str(tmp_path / "home"), **environ}, file)


def test_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.home == tmp_path / "home"
    assert settings.models == tmp_path / "home" / "models"
    assert settings.model == "auto"
    assert settings.host == "127.0.0.1"
    assert settings.port == 7860
    assert settings.threads >= 1
    assert settings.openai_api_key == ""
    assert settings.embedder == ""
    assert not settings.offline


def test_every_variable_is_read(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        ASSISTANT_MODELS=str(tmp_path / "m"),
        ASSISTANT_MODEL=" Extractive ",
        OPENAI_API_KEY=f" {KEY}\n",
        OPENAI_BASE_URL="http://127.0.0.1:1/v1",
        ASSISTANT_OPENAI_MODEL="some-model",
        ASSISTANT_LOCAL_MODEL="/x/y.gguf",
        ASSISTANT_EMBEDDER=" openai:some-embedder\n",
        ASSISTANT_OFFLINE="Yes",
        ASSISTANT_THREADS="3",
        ASSISTANT_START_TIMEOUT="1.5",
        ASSISTANT_ANSWER_TIMEOUT="2.5",
        ASSISTANT_EVIDENCE_SENTENCES="4",
        ASSISTANT_ANSWERABLE_AT="0.25",
        ASSISTANT_HOST="0.0.0.0",
        ASSISTANT_PORT="0",
        ASSISTANT_TOKEN=" a token\n",
        ASSISTANT_REQUESTS_AT_ONCE="2",
        ASSISTANT_REQUEST_TIMEOUT="30",
        ASSISTANT_CHROMA_URL=" https://chroma.example ",
        ASSISTANT_CHROMA_TENANT="lab",
        ASSISTANT_CHROMA_DATABASE="papers",
        ASSISTANT_CHROMA_TOKEN=" a chroma token\n",
        ASSISTANT_CHROMA_TIMEOUT="2.5",
    )
    assert settings == Settings(
        home=tmp_path / "home",
        models=tmp_path / "m",
        model="extractive",
        openai_api_key=KEY,
        openai_base_url="http://127.0.0.1:1/v1",
        openai_model="some-model",
        local_model_path="/x/y.gguf",
        embedder="openai:some-embedder",
        offline=True,
        threads=3,
        start_timeout=1.5,
        answer_timeout=2.5,
        evidence_sentences=4,
        answerable_at=0.25,
        host="0.0.0.0",
        port=0,
        token="a token",
        requests_at_once=2,
        request_timeout=30,
        chroma_url="https://chroma.example",
        chroma_tenant="lab",
        chroma_database="papers",
        chroma_token="a chroma token",
        chroma_timeout=2.5,
    )


def test_environment_wins_over_dotenv(tmp_path: Path) -> None:
    text = "ASSISTANT_MODEL=local\nASSISTANT_PORT=1111\n"
    settings = load(tmp_path, text, ASSISTANT_MODEL="extractive")
    assert settings.model == "extractive"
    assert settings.port == 1111


def test_dotenv_in_the_working_folder_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text(f"OPENAI_API_KEY={KEY}\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSISTANT_HOME", str(tmp_path / "elsewhere"))
    settings = Settings.load()
    assert settings.openai_api_key == KEY
    assert settings.home == tmp_path / "elsewhere"


def test_no_dotenv_is_no_error(tmp_path: Path) -> None:
    assert Settings.load({"ASSISTANT_PORT": "8"}, tmp_path / "none").port == 8


def test_dotenv_of_another_encoding_is_named(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes("ASSISTANT_HOME=/tmp/Grüße\n".encode("latin-1"))
    with pytest.raises(SettingsError, match=r"\.env"):
        Settings.load({}, file)


@pytest.mark.parametrize(
    ("fields", "chosen"),
    [
        ({}, "local"),
        ({"openai_api_key": KEY}, "openai"),
        ({"openai_base_url": "http://127.0.0.1:1"}, "openai"),
        ({"openai_api_key": KEY, "model": "local"}, "local"),
        ({"openai_api_key": KEY, "model": "extractive"}, "extractive"),
        ({"model": "openai"}, "openai"),
    ],
)
def test_auto_is_openai_only_where_it_is_set_up(
    tmp_path: Path, fields: dict[str, str], chosen: str
) -> None:
    assert Settings(home=tmp_path, models=tmp_path, **fields).chat_model == chosen


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ASSISTANT_MODEL", "gpt"),
        ("ASSISTANT_THREADS", "two"),
        ("ASSISTANT_THREADS", "0"),
        ("ASSISTANT_THREADS", "nan"),
        ("ASSISTANT_PORT", "inf"),
        ("ASSISTANT_PORT", "-1"),
        ("ASSISTANT_PORT", "70000"),
        ("ASSISTANT_ANSWER_TIMEOUT", "nan"),
        ("ASSISTANT_START_TIMEOUT", "-3"),
        ("ASSISTANT_EVIDENCE_SENTENCES", "0"),
        ("ASSISTANT_OFFLINE", "perhaps"),
        ("ASSISTANT_REQUESTS_AT_ONCE", "0"),
        ("ASSISTANT_REQUEST_TIMEOUT", "soon"),
        ("ASSISTANT_TOKEN", "söcrèt"),
        ("ASSISTANT_TOKEN", "two\nlines"),
        ("ASSISTANT_CHROMA_TOKEN", "two\nlines"),
        ("ASSISTANT_CHROMA_URL", "chroma.example:8000"),
        ("ASSISTANT_CHROMA_TIMEOUT", "0"),
    ],
)
def test_a_value_without_meaning_is_refused_by_name(tmp_path: Path, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as caught:
        load(tmp_path, **{name: value})
    assert "set it to" in str(caught.value)


def test_the_key_is_never_shown(tmp_path: Path) -> None:
    settings = load(tmp_path, OPENAI_API_KEY=KEY)
    shown = [repr(settings), str(settings), f"{settings}", json.dumps(settings.public())]
    assert settings.openai_api_key == KEY
    assert not [text for text in shown if KEY in text or KEY[:12] in text]
    assert settings.public()["openai_api_key_set"] is True


def test_a_token_is_never_shown(tmp_path: Path) -> None:
    settings = load(tmp_path, ASSISTANT_TOKEN="hunter2")
    assert "hunter2" not in f"{settings!r}{settings.public()}"
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, ASSISTANT_TOKEN="hunter2é")
    assert "hunter2" not in str(caught.value)


def test_the_token_of_the_chroma_server_is_never_shown(tmp_path: Path) -> None:
    settings = load(tmp_path, ASSISTANT_CHROMA_TOKEN="hunter2")
    assert "hunter2" not in f"{settings!r}{settings.public()}"
    assert settings.public()["chroma_token_set"] is True
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, ASSISTANT_CHROMA_URL="http://me:hunter2@chroma.example")
    assert "hunter2" not in str(caught.value)


def test_a_password_in_the_address_is_never_shown(tmp_path: Path) -> None:
    settings = load(tmp_path, OPENAI_BASE_URL="https://me:hunter2@llm.example/v1")
    assert "hunter2" not in json.dumps(settings.public())
    assert "hunter2" not in repr(settings)


def test_public_is_plain_json(tmp_path: Path) -> None:
    public = load(tmp_path).public()
    assert json.loads(json.dumps(public)) == public
    assert public["home"] == str(tmp_path / "home")
    assert public["openai_api_key_set"] is False


def test_assistant_names_an_unknown_setting(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="colour"):
        Assistant(Settings(home=tmp_path, models=tmp_path), colour="red")


def test_assistant_refuses_a_model_without_meaning(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="nonsense"):
        Assistant(Settings(home=tmp_path, models=tmp_path), model="nonsense")


def test_assistant_takes_folders_as_text(tmp_path: Path) -> None:
    base = Settings(home=tmp_path, models=tmp_path, model="extractive")
    with Assistant(base, home=str(tmp_path / "home")) as assistant:
        assert assistant.count() == 0
    assert (tmp_path / "home" / "library").is_dir()
