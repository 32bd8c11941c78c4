"""Compiled files of any size."""

import json


def compiled(streams=1, transformers=0, command=("yellow",)):
    """Streams Shop0, Shop1, ...; transformers Mask0, ..., each with the datasets of four streams as its inputs."""
    def dataset(store, number):
        return f"yellow://main/{store}/table{number}"

    ingests = [{"dag": f"main__Shop{i}__ingest", "node": f"Shop{i}", "schedule": {"cron": "0 5 * * *", "timezone": "Europe/Berlin"},
                "assets": [dataset(f"Shop{i}", k) for k in range(3)], "priority": 40, "team": "sales", "output": False, "group": ""} for i in range(streams)]
    ingests += [{"dag": f"main__Masked{i}__ingest", "node": f"Masked{i}", "schedule": None, "assets": [dataset(f"Masked{i}", k) for k in range(3)], "priority": 60, "team": "sales",
                 "output": True, "group": ""} for i in range(transformers)]
    transforms = [{"dag": f"main__Mask{i}__transform", "node": f"Mask{i}", "schedule": {"any": [dataset(f"Shop{(4 * i + j) % streams}", k) for j in range(4) for k in range(3)]},
                   "output": f"main__Masked{i}__ingest", "deferred": True, "timeout": 3600, "priority": 50, "team": "sales", "group": ""} for i in range(transformers)]
    return {"format": 2, "name": "demo", "command": list(command), "reconcile": "*/5 * * * *", "ingests": ingests, "transforms": transforms}


def write(path, document):
    path.write_text(json.dumps(document))
    return path
