"""Requests and responses of the OpenAI-compatible endpoints; other fields are passed over."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.http.schemas import LONGEST_FILTER, WHERE, CitationView, Text

MOST_MESSAGES = 200
MOST_TEXTS = 256
LONGEST_TEXT = 100_000


class TextPart(BaseModel):
    """A part of a message; only text can be read."""

    type: Literal["text"]
    text: Text


class ChatMessage(BaseModel):
    """One message; those that are neither the user's nor the assistant's are passed over."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: Text | list[TextPart] | None = None


class StreamOptions(BaseModel):
    """What a stream tells besides."""

    include_usage: bool = False


class ResponseFormat(BaseModel):
    """The form of the answer; only text can be had."""

    type: Literal["text"]


class ChatRequest(BaseModel):
    """A question: the last message, the user's. Sampling options have no meaning here."""

    model: str
    messages: list[ChatMessage] = Field(min_length=1, max_length=MOST_MESSAGES)
    stream: bool = False
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    response_format: ResponseFormat | None = None
    where: Text = Field(default="", max_length=LONGEST_FILTER, description=WHERE)


class Usage(BaseModel):
    """Tokens that the chat model behind reported; 0 where none was asked."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0


class AnswerSummary(BaseModel):
    """What else is known of the answer: an extension of the OpenAI API."""

    model_config = ConfigDict(extra="allow")

    status: Literal["answered", "partial", "abstained"]
    text: str = Field(description="The content without its list of sources.")
    confidence: float


class ReplyMessage(BaseModel):
    """The answer: text with numbers, then the sources behind them."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None


class Choice(BaseModel):
    """The one answer."""

    index: int = 0
    message: ReplyMessage
    finish_reason: Literal["stop"] = "stop"
    logprobs: None = None


class ChatCompletion(BaseModel):
    """A whole answer; `citations` and `answer` are extensions of the OpenAI API."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    citations: list[CitationView]
    answer: AnswerSummary


class EmbeddingRequest(BaseModel):
    """Texts to embed as the library's papers are."""

    model: str
    input: Text | list[Text] = Field(description=f"At most {MOST_TEXTS} texts, none empty.")
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(default=None, ge=1)


class Embedding(BaseModel):
    """The vector of one text, of length 1; in base64 it is little-endian float32."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingUsage(BaseModel):
    """Tokens; the embedders don't tell them, so these are 0."""

    prompt_tokens: int = 0
    total_tokens: int = 0


class Embeddings(BaseModel):
    """The vectors, in the order of the texts."""

    object: Literal["list"] = "list"
    data: list[Embedding]
    model: str
    usage: EmbeddingUsage


class ModelView(BaseModel):
    """A name that requests may carry."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "abstract-assistant"


class ModelList(BaseModel):
    """All names that requests may carry."""

    object: Literal["list"] = "list"
    data: list[ModelView]


def chunk(name: str, created: int, model: str, **fields: Any) -> dict[str, Any]:
    """Return a piece of a streamed answer."""
    return {
        "id": name,
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
        "choices": [],
        **fields,
    }


def delta(finish: str | None = None, **fields: str) -> list[dict[str, Any]]:
    """Return the choices of a piece: what to append, and why it ended."""
    return [{"index": 0, "delta": fields, "finish_reason": finish, "logprobs": None}]
