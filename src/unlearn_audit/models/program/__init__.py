"""Programs of the user's that are models: run with files of records, they write files of answers."""

from unlearn_audit.models.program.classifier import ProgramClassifier, programs_in

__all__ = ["ProgramClassifier", "programs_in"]
