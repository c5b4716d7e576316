"""Question → cited answer.

`chain` runs the stages in order; `selecting` finds and numbers the evidence, `deciding` says
whether it answers, `state` holds what one question gathers and makes the answer of it.
"""

from assistant.answering.chain import Answering

__all__ = ["Answering"]
