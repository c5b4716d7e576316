"""The page of the endpoints, made of the OpenAPI description; it loads nothing from anywhere."""

from collections.abc import Mapping
from html import escape
from typing import Any

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:56rem;margin:2rem auto;padding:0 1rem}"
    "code,pre{font-family:ui-monospace,monospace}pre{background:#8882;padding:.6rem;overflow:auto}"
    "summary{cursor:pointer;padding:.3rem 0}b{display:inline-block;min-width:3.5rem}"
    "td{padding:.1rem .8rem .1rem 0;vertical-align:top}:root{color-scheme:light dark}"
)


def docs_page(spec: Mapping[str, Any]) -> str:
    """Return HTML that lists every endpoint with its parameters, body and responses."""
    info = spec["info"]
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(info['title'])}</title>",
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>",
        f"<h1>{escape(info['title'])}</h1><p>{escape(info.get('description', ''))}</p>",
        "<p>As data: <a href='/openapi.json'>/openapi.json</a>.</p>",
    ]
    for path, methods in spec["paths"].items():
        parts += [_operation(path, method, told, spec) for method, told in methods.items()]
    return "\n".join(parts)


def _operation(path: str, method: str, told: Mapping[str, Any], spec: Mapping[str, Any]) -> str:
    rows = [
        _row(f"{one['name']} ({one['in']})", one["schema"], one.get("description", ""))
        for one in told.get("parameters", ())
    ]
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    model = _resolved(body.get("schema", {}), spec)
    needed = model.get("required", ())
    for name, field in model.get("properties", {}).items():
        mark = "" if name in needed else ", optional"
        rows.append(_row(f"{name} (body{mark})", field, field.get("description", "")))
    answers = ", ".join(
        f"{status} {escape(one['description'])}" for status, one in told["responses"].items()
    )
    return (
        f"<details open><summary><b>{method.upper()}</b> <code>{escape(path)}</code></summary>"
        f"<p>{escape(told.get('description', ''))}</p><table>{''.join(rows)}</table>"
        f"<p>Responses: {answers}.</p></details>"
    )


def _row(name: str, schema: Mapping[str, Any], description: str) -> str:
    return (
        f"<tr><td><code>{escape(name)}</code><td>{escape(_kind(schema))}<td>{escape(description)}"
    )


def _kind(schema: Mapping[str, Any]) -> str:
    """Return the type in words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for name in ("anyOf", "oneOf"):
        if name in schema:
            return " or ".join(_kind(one) for one in schema[name])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    return str(schema.get("const", schema.get("type", "any")))


def _resolved(schema: Mapping[str, Any], spec: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in schema:
        return schema
    found: Mapping[str, Any] = spec["components"]["schemas"][_kind(schema)]
    return found
