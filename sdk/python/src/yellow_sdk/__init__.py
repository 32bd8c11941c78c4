"""What the code of a DataTransformer is given, and the one transaction in which it works."""

from .copy_text import copy_line
from .run import Credential, Dataset, Input, Output, Run, SnapshotGone, Transaction

__all__ = ["Credential", "Dataset", "Input", "Output", "Run", "SnapshotGone", "Transaction", "copy_line"]
