"""The composition root: `Assistant` and `ask()`.

`assistant` holds the library's and the questions' methods, `models` opens the models that the
settings name, `batch` and `asynchronous` ask many questions at once, `turns` reads what callers
give as history and filter.
"""

from assistant.app.assistant import Assistant, ask
from assistant.app.batch import Outcome, Question

__all__ = ["Assistant", "Outcome", "Question", "ask"]
