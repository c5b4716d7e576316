"""Settings, read once: the environment wins over `.env`, and that over what the page kept."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from assistant import settings_file
from assistant.errors import SettingsError

HIGHEST_PORT = 65_535
ModelChoice = Literal["auto", "openai", "local", "extractive"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that can be set; the README lists the variables.

    `home` holds every file the assistant writes; `models` may be shared by several.
    Seconds for times; token counts for budgets. `answerable_at` is the probability below
    which a question is declined; None takes the one that the calibration chose.
    """

    home: Path
    models: Path
    model: ModelChoice = "auto"
    openai_api_key: str = field(default="", repr=False)
    openai_base_url: str = field(default="", repr=False)
    openai_model: str = "gpt-4.1-mini"
    local_model_path: str = ""
    embedder: str = ""
    reranker: Literal["", "chat"] = ""
    policy: Literal["strict", "lenient"] = "strict"
    offline: bool = False
    threads: int = 2
    start_timeout: float = 60.0
    answer_timeout: float = 60.0
    passage_tokens: int = 230
    papers_read: int = 8
    evidence_sentences: int = 6
    evidence_words: int = 110
    extractive_sentences: int = 3
    answer_words: int = 90
    answerable_at: float | None = None
    answers_kept: int = 200
    cache_mb: float = 64.0
    otel_endpoint: str = field(default="", repr=False)
    host: str = "127.0.0.1"
    port: int = 7860
    token: str = field(default="", repr=False)
    requests_at_once: int = 4
    request_timeout: float = 120.0
    user: str = ""
    password: str = field(default="", repr=False)
    chroma_url: str = ""
    chroma_tenant: str = "default_tenant"
    chroma_database: str = "default_database"
    chroma_token: str = field(default="", repr=False)
    chroma_timeout: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what has no meaning, also where it comes from code."""
        for name in ("home", "models"):
            object.__setattr__(self, name, Path(getattr(self, name)).expanduser().absolute())
        if self.model not in get_args(ModelChoice):
            allowed = ", ".join(get_args(ModelChoice))
            raise SettingsError(f"ASSISTANT_MODEL is {self.model!r}; set it to one of {allowed}.")
        for name in ("token", "chroma_token"):
            value = getattr(self, name)
            if not value.isascii() or not value.isprintable():
                raise SettingsError(
                    f"ASSISTANT_{name.upper()} holds what no header can carry; set it to ASCII in "
                    "one line."
                )
        if self.chroma_url:
            check_server(self.chroma_url)
        if not 0 <= self.port <= HIGHEST_PORT:
            raise SettingsError(
                f"ASSISTANT_PORT is {self.port}; set it to a number from 0 to {HIGHEST_PORT}."
            )

    @property
    def chat_model(self) -> Literal["openai", "local", "extractive"]:
        """The choice with `auto` resolved: OpenAI where a key or address is set, else local."""
        if self.model != "auto":
            return self.model
        return "openai" if self.openai_api_key or self.openai_base_url else "local"

    def public(self) -> dict[str, str | int | float | bool | None]:
        """Return what may be shown or logged: everything but key and token, addresses unsigned."""
        shown = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in vars(self).items()
            if name not in ("openai_api_key", "token", "password", "chroma_token")
        }
        for name in ("openai_base_url", "otel_endpoint"):
            shown[name] = str(shown[name]).split("@")[-1]
        return shown | {
            "openai_api_key_set": bool(self.openai_api_key),
            "token_set": bool(self.token),
            "password_set": bool(self.password),
            "chroma_token_set": bool(self.chroma_token),
        }

    @classmethod
    def load(
        cls, environ: Mapping[str, str] | None = None, dotenv: Path | None = None
    ) -> "Settings":
        """Read the settings from `environ` (default: the process's) over `.env`.

        Below both is what the page's settings kept in the home.

        Raises:
            SettingsError: a variable holds a value that has no meaning.
            KeptSettingsError: what the page kept is damaged.
        """
        merged = _merged(environ, dotenv)
        return cls._from(settings_file.read(_home(merged)) | merged)

    @staticmethod
    def home_named(environ: Mapping[str, str] | None = None, dotenv: Path | None = None) -> Path:
        """Return the home that `load` would take, whatever else is wrong with the settings."""
        return _home(_merged(environ, dotenv))

    @classmethod
    def _from(cls, values: Mapping[str, str]) -> "Settings":
        home = _home(values)
        models = Path(values.get("ASSISTANT_MODELS") or home / "models").expanduser().absolute()
        choice = (values.get("ASSISTANT_MODEL") or "auto").strip().lower()
        return cls(
            home=home,
            models=models,
            model=cast(ModelChoice, choice),
            openai_api_key=values.get("OPENAI_API_KEY", "").strip(),
            openai_base_url=values.get("OPENAI_BASE_URL", "").strip(),
            openai_model=values.get("ASSISTANT_OPENAI_MODEL") or cls.openai_model,
            local_model_path=values.get("ASSISTANT_LOCAL_MODEL", ""),
            embedder=values.get("ASSISTANT_EMBEDDER", "").strip(),
            reranker=_reranker(values.get("ASSISTANT_RERANKER", "")),
            policy=_policy(values.get("ASSISTANT_POLICY", "")),
            offline=_flag(values, "ASSISTANT_OFFLINE"),
            threads=int(_number(values, "ASSISTANT_THREADS", os.cpu_count() or 2, least=1)),
            start_timeout=_number(values, "ASSISTANT_START_TIMEOUT", cls.start_timeout),
            answer_timeout=_number(values, "ASSISTANT_ANSWER_TIMEOUT", cls.answer_timeout),
            evidence_sentences=int(
                _number(values, "ASSISTANT_EVIDENCE_SENTENCES", cls.evidence_sentences, least=1)
            ),
            evidence_words=int(
                _number(values, "ASSISTANT_EVIDENCE_WORDS", cls.evidence_words, least=1)
            ),
            answerable_at=_number(values, "ASSISTANT_ANSWERABLE_AT", 0)
            if values.get("ASSISTANT_ANSWERABLE_AT", "").strip()
            else None,
            answers_kept=int(_number(values, "ASSISTANT_ANSWERS_KEPT", cls.answers_kept)),
            cache_mb=_number(values, "ASSISTANT_CACHE_MB", cls.cache_mb),
            otel_endpoint=values.get("OTEL_EXPORTER_OTLP_ENDPOINT", "").strip(),
            host=values.get("ASSISTANT_HOST") or cls.host,
            port=int(_number(values, "ASSISTANT_PORT", cls.port)),
            token=values.get("ASSISTANT_TOKEN", "").strip(),
            requests_at_once=int(
                _number(values, "ASSISTANT_REQUESTS_AT_ONCE", cls.requests_at_once, least=1)
            ),
            request_timeout=_number(
                values, "ASSISTANT_REQUEST_TIMEOUT", cls.request_timeout, least=1
            ),
            user=values.get("ASSISTANT_USER", "").strip(),
            password=values.get("ASSISTANT_PASSWORD", ""),
            chroma_url=values.get("ASSISTANT_CHROMA_URL", "").strip(),
            chroma_tenant=values.get("ASSISTANT_CHROMA_TENANT", "").strip() or cls.chroma_tenant,
            chroma_database=values.get("ASSISTANT_CHROMA_DATABASE", "").strip()
            or cls.chroma_database,
            chroma_token=values.get("ASSISTANT_CHROMA_TOKEN", "").strip(),
            chroma_timeout=_number(
                values, "ASSISTANT_CHROMA_TIMEOUT", cls.chroma_timeout, least=0.1
            ),
        )


def check_server(address: str) -> None:
    """Refuse what is no server's address, or holds a login, which addresses show to everyone.

    Raises:
        SettingsError: it isn't "http://HOST[:PORT]", nor with https.
    """
    try:
        parts = urlsplit(address)
        fine = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        fine = False
    if not fine or parts.query or parts.fragment or parts.path not in ("", "/"):
        shown = address.rpartition("@")[2]
        raise SettingsError(
            f"{shown!r} is no address of a Chroma server (ASSISTANT_CHROMA_URL); set it to one "
            "like http://127.0.0.1:8000."
        )
    if "@" in parts.netloc:
        raise SettingsError(
            "The address of the Chroma server holds a login; leave it out, and put a token into "
            "ASSISTANT_CHROMA_TOKEN."
        )


def _merged(environ: Mapping[str, str] | None, dotenv: Path | None) -> dict[str, str]:
    """Return the variables of `environ` (default: the process's) over those of `.env`."""
    from dotenv import dotenv_values

    file = Path(".env") if dotenv is None else dotenv
    try:
        stored = dotenv_values(file) if file.is_file() else {}
    except (UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{file} can't be read ({error}); save it as UTF-8.") from error
    merged = {name: value for name, value in stored.items() if value is not None}
    return merged | dict(os.environ if environ is None else environ)


def _reranker(text: str) -> Literal["", "chat"]:
    chosen = text.strip().lower()
    if chosen not in ("", "chat"):
        raise SettingsError(f"ASSISTANT_RERANKER is {text!r}; set it to chat, or leave it empty.")
    return cast(Literal["", "chat"], chosen)


def _policy(text: str) -> Literal["strict", "lenient"]:
    chosen = text.strip().lower() or "strict"
    if chosen not in ("strict", "lenient"):
        raise SettingsError(f"ASSISTANT_POLICY is {text!r}; set it to strict or lenient.")
    return cast(Literal["strict", "lenient"], chosen)


def _home(values: Mapping[str, str]) -> Path:
    return Path(values.get("ASSISTANT_HOME") or _default_home()).expanduser().absolute()


def _default_home() -> str:
    from platformdirs import user_data_dir

    return user_data_dir("abstract-assistant", appauthor=False)


def _flag(values: Mapping[str, str], name: str) -> bool:
    text = values.get(name, "").strip().lower()
    if text not in ("", "0", "1", "true", "false", "yes", "no", "on", "off"):
        raise SettingsError(f"{name} is {text!r}; set it to 1 or 0.")
    return text in ("1", "true", "yes", "on")


def _number(values: Mapping[str, str], name: str, default: float, least: float = 0) -> float:
    text = values.get(name, "").strip()
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        raise SettingsError(f"{name} is {text!r}; set it to a number.") from None
    if not math.isfinite(number):
        raise SettingsError(f"{name} is {text!r}; set it to a number.")
    if number < least:
        raise SettingsError(f"{name} is {text!r}; set it to at least {least:g}.")
    return number
