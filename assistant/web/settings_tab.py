"""The tab that says which model answers and how strictly; imports Gradio, so import it late."""

from typing import Any, get_args

import gradio as gr

from assistant.app import Assistant
from assistant.errors import AssistantError
from assistant.settings import ModelChoice
from assistant.web import preferences, render
from assistant.web.access import Operators
from assistant.web.desk import Desk
from assistant.web.preferences import Form

NOT_YOURS = "Only who runs this page may change its settings, which say where questions are sent."
_MODELS = {
    "auto": "Automatic: a server where a key or address is given, else the embedded model",
    "openai": "A server (OpenAI or any compatible one)",
    "local": "The embedded model, on this machine",
    "extractive": "None: quote the papers' own sentences",
}


def settings_tab(desk: Desk, blocks: gr.Blocks, head: gr.HTML, who: Operators) -> None:
    """Lay the tab out and wire it; `head` names the model, and `who` may change settings."""
    with gr.Column(elem_id="settings"):
        model = gr.Radio(
            [(_MODELS[one], one) for one in get_args(ModelChoice)], label="What writes the answers"
        )
        with gr.Group():
            name = gr.Textbox(label="Model at the server", max_lines=1)
            address = gr.Textbox(
                label="Address of the server", max_lines=1, placeholder="OpenAI's own",
                info="Questions and the sentences found for them are sent there.",
            )  # fmt: skip
            key = gr.Textbox(
                label="Key", type="password", max_lines=1, elem_id="key",
                info="Stored, but never shown again. Left empty, the one there is stays.",
            )  # fmt: skip
            forget = gr.Checkbox(label="Forget the key")
        policy = gr.Radio(
            [
                ("Strict: leave out what no sentence supports", "strict"),
                ("Lenient: show it, marked [?]", "lenient"),
            ],
            label="Sentences without support",
        )
        with gr.Row():
            sentences = gr.Number(label="Sentences of evidence", precision=0, minimum=1)
            words = gr.Number(label="Words of evidence", precision=0, minimum=1)
        keeps = gr.Checkbox(
            label="Keep for the next start", value=True,
            info="In a file in the assistant's home that only you can read.",
        )  # fmt: skip
        with gr.Row():
            test = gr.Button("Test connection", elem_id="settings-test")
            apply = gr.Button("Apply", variant="primary", elem_id="settings-apply")
        told = gr.HTML(elem_id="settings-told")
    fields = [model, name, address, key, forget, policy, sentences, words]
    quiet: dict[str, Any] = {"show_progress": "minimal", "api_visibility": "private"}

    def filled() -> tuple[Any, ...]:
        now = desk.assistant.settings
        stored = "•••••••• (a key is stored)" if now.openai_api_key else "none is stored"
        return (
            now.model, now.openai_model, now.public()["openai_base_url"],
            gr.Textbox(value="", placeholder=stored), False, now.policy,
            now.evidence_sentences, now.evidence_words,
        )  # fmt: skip

    def may(request: gr.Request) -> bool:
        return who.admit(request.username or "")

    def tested(request: gr.Request, *values: Any) -> str:
        if not may(request):
            return render.told(NOT_YOURS)
        try:
            wanted = preferences.applied(_form(*values), desk.assistant.settings)
            return render.told(preferences.try_connection(wanted, desk.assistant))
        except AssistantError as error:
            return render.told(str(error))

    def applied(request: gr.Request, keep: bool, *values: Any) -> tuple[Any, ...]:
        words = apply_form(desk.assistant, _form(*values), keep=keep) if may(request) else NOT_YOURS
        return (render.told(words), desk.head(), *filled())

    def hint(request: gr.Request) -> str:
        return "" if may(request) else render.told(NOT_YOURS)

    blocks.load(hint, outputs=[told], **quiet)
    test.click(tested, inputs=fields, outputs=[told], **quiet)
    apply.click(applied, inputs=[keeps, *fields], outputs=[told, head, *fields], **quiet)
    blocks.load(filled, outputs=fields, **quiet)


def apply_form(assistant: Assistant, form: Form, *, keep: bool) -> str:
    """Answer by the form from now on, and keep it where wanted; return what came of it."""
    try:
        settings = preferences.applied(form, assistant.settings)
        assistant.reconfigure(settings)
        assistant.prepare_beside()
        said = "These settings hold from the next question on."
        return f"{said} {preferences.keep(settings)}" if keep else f"{said} They end with the page."
    except AssistantError as error:
        return str(error)


def _form(
    model: str,
    name: str,
    address: str,
    key: str,
    forget_key: bool,
    policy: str,
    sentences: float | None,
    words: float | None,
) -> Form:
    return Form(
        model=model or "", name=name or "", address=address or "", key=key or "",
        forget_key=forget_key, policy=policy or "", sentences=sentences, words=words,
    )  # fmt: skip
