"""Airflow's settings: everything on loopback, on ports that were free, in one folder, with passwords made for it."""

import configparser
import json
import os
import secrets

USER = "admin"


def write_private(path, text):
    """Readable by its owner only, from its first moment."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def write(folder, state):
    """airflow.cfg and the password; what is not named here is as Airflow has it."""
    database = f"postgresql+psycopg2://airflow@/airflow?host={folder / 'postgres'}"
    address = f"http://127.0.0.1:{state['ports']['api']}"
    bundles = [{"name": "yellow", "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle", "kwargs": {"path": state["dags"], "refresh_interval": 5}}]
    config = configparser.RawConfigParser()
    config.read_dict({
        "core": {
            "executor": "LocalExecutor", "parallelism": 4, "dags_folder": state["dags"], "load_examples": False, "default_timezone": "utc",
            "dags_are_paused_at_creation": state["paused"], "min_serialized_dag_update_interval": 5, "min_serialized_dag_fetch_interval": 2,
            "execution_api_server_url": f"{address}/execution/", "hostname_callable": "socket.gethostname", "fernet_key": secrets.token_urlsafe(32)[:43] + "=",
            "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager", "simple_auth_manager_users": f"{USER}:admin",
            "simple_auth_manager_passwords_file": folder / "password.json",
        },
        "database": {"sql_alchemy_conn": database, "load_default_connections": False},
        "api": {"host": "127.0.0.1", "port": state["ports"]["api"], "base_url": address, "workers": 1, "secret_key": secrets.token_urlsafe(32), "expose_config": False},
        "api_auth": {"jwt_secret": secrets.token_urlsafe(64)},
        "dag_processor": {"dag_bundle_config_list": json.dumps(bundles), "refresh_interval": 5, "min_file_process_interval": 5, "parsing_processes": 1},
        # What a killed scheduler has left is taken up within seconds, not minutes.
        "scheduler": {"enable_health_check": False, "orphaned_tasks_check_interval": 10, "scheduler_health_check_threshold": 15, "task_instance_heartbeat_timeout": 60,
                      "task_instance_heartbeat_timeout_detection_interval": 5},
        "logging": {"base_log_folder": folder / "logs", "worker_log_server_port": state["ports"]["worker_log"], "trigger_log_server_port": state["ports"]["trigger_log"]},
        "usage_data_collection": {"enabled": False},
    })
    path = folder / "airflow.cfg"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        config.write(file)
    write_private(folder / "password.json", json.dumps({USER: secrets.token_urlsafe(16)}) + "\n")


def password(folder):
    return json.loads((folder / "password.json").read_text())[USER]
