"""Two ways to write an answer: sentences verbatim, or a model's words once verified."""

from assistant.writers.extractive import extractive_claims
from assistant.writers.grounds import Grounds
from assistant.writers.model import ModelWriter, Rejected

__all__ = ["Grounds", "ModelWriter", "Rejected", "extractive_claims"]
