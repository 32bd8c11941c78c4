"""What Airflow's list of providers shows."""

from __future__ import annotations


def provider_info() -> dict[str, str]:
    return {"package-name": "yellow-airflow", "name": "Yellow", "description": "DAGs of a Yellow platform: ingestions, transformers, reconciliation."}
