"""The DAGs of a Yellow platform, made from the file that `yellow render airflow` writes. Airflow executes; what is due, Yellow decides."""

from __future__ import annotations

import os
from typing import Any, MutableMapping

__all__ = ["build"]


def build(compiled_path: str | os.PathLike[str], namespace: MutableMapping[str, Any]) -> None:
    """Puts the DAGs of the compiled file into the namespace of the DAG file that calls it; inside a task, that task's DAG alone."""
    # Not before it is called: Airflow asks its providers for their names while it is being imported itself.
    from . import factory

    factory.build(compiled_path, namespace)
