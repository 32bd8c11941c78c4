"""The virtual environment with Airflow, made once into the user's cache from exactly requirements.txt."""

import hashlib
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tests/kubernetes"))

from programs import Failure, cache, locked  # noqa: E402

REQUIREMENTS = HERE / "requirements.txt"
PYTHON = "/usr/bin/python3"


def version():
    return re.search(r"^apache-airflow==(\S+)", REQUIREMENTS.read_text(), re.MULTILINE).group(1)


def folder():
    return cache() / f"airflow-{version()}-{hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:8]}"


def run(command, log):
    with open(log, "a") as output:
        status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/").returncode
    if status != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        raise Failure(f"{' '.join(map(str, command))} ended with exit status {status}:\n{tail}\n  = the whole output is in {log}")


def ensure():
    """The folder of the environment. A build that was interrupted is begun again."""
    target = folder()
    complete = target / "complete"
    if complete.exists():
        return target
    with locked(cache() / "airflow.lock"):
        if not complete.exists():
            shutil.rmtree(target, ignore_errors=True)
            log = cache() / "airflow.log"
            log.unlink(missing_ok=True)
            print(f"Installing Airflow {version()} once, into {target}; its log is {log}", file=sys.stderr, flush=True)
            started = time.monotonic()
            run([PYTHON, "-m", "venv", target], log)
            run([target / "bin/python", "-m", "pip", "install", "--disable-pip-version-check", "-r", REQUIREMENTS], log)
            run([target / "bin/python", "-m", "compileall", "-q", "-j", "0", target / "lib"], log)
            complete.touch()
            print(f"Installed in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return target


def install_package(target, into, log):
    """yellow-airflow as it is in this tree, into a folder for PYTHONPATH. Built from a copy: setuptools writes beside its sources."""
    copy = into.with_name(into.name + ".source")
    for path in (copy, into):
        shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(ROOT / "airflow", copy, ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__", "tests"))
    run([target / "bin/python", "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--no-build-isolation", "--no-deps", "--no-index", "--target", into, copy], log)
    shutil.rmtree(copy)
