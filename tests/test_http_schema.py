"""Whatever fits the OpenAPI description is answered as it says, and what doesn't is refused."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import positive_data_acceptance

from assistant.app import Assistant
from tests.http_service import serving

# A filter has a grammar, and a question must be more than spaces, which no schema can say: what
# fits the description may be refused with 400, so `positive_data_acceptance` is left out.
# For each endpoint; more in the long run of `make fuzz`.
EXAMPLES = max(12, 2 * int(os.environ.get("ASSISTANT_FUZZ_SECONDS", "0")))


@pytest.fixture(scope="module")
def address(sample_home: Path, models_folder: Path) -> Iterator[str]:
    options: dict[str, Any] = {"home": sample_home, "models": models_folder, "offline": True}
    with Assistant(model="extractive", **options) as assistant, serving(assistant) as found:
        yield found


def test_every_endpoint_keeps_to_its_description(address: str) -> None:
    schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
    names = []
    for found in schema.get_all_operations():
        operation = found.ok()
        names.append(operation.label)

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def answers_as_described(case: Case) -> None:
            case.call_and_validate(timeout=200, excluded_checks=[positive_data_acceptance])

        answers_as_described()
    assert {"POST /ask", "POST /v1/chat/completions", "GET /search"} <= set(names)
