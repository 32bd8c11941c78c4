"""The programs of the cluster: Kubernetes and etcd in one static binary, and the pause program, compiled from programs/ and kept in the user's cache."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parent / "programs"
ROOT = SOURCE.parents[2]


class Failure(Exception):
    """What the person at the keyboard can do something about."""


def go_mod():
    return (SOURCE / "go.mod").read_text()


def version():
    return re.search(r"k8s\.io/kubernetes v(\S+)", go_mod()).group(1)


def cache():
    if os.geteuid() == 0:
        return pathlib.Path("/var/cache/yellow")
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "yellow"


def folder():
    """Where the binaries of exactly these sources lie, or would."""
    digest = hashlib.sha256()
    for path in sorted(SOURCE.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(SOURCE)}\0".encode() + path.read_bytes())
    return cache() / f"kubernetes-{version()}-{digest.hexdigest()[:8]}"


def as_numbers(text):
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def find_go():
    """A Go that can compile the module: new enough by itself, or new enough (1.21) to fetch the one that go.mod names."""
    needed = re.search(r"^go (\S+)", go_mod(), re.MULTILINE).group(1)
    found = []
    for candidate in [shutil.which("go"), "/usr/local/go/bin/go", *map(str, sorted(pathlib.Path("/usr/lib").glob("go-*/bin/go"), reverse=True))]:
        if not candidate or not os.path.exists(candidate):
            continue
        # Outside the module, or an old Go would trip over its go.mod.
        said = subprocess.run([candidate, "env", "GOVERSION", "GOTOOLCHAIN"], cwd="/", capture_output=True, text=True).stdout.split()
        number = as_numbers(said[0]) if said else (0, 0)
        if number >= as_numbers(needed) or (number >= (1, 21) and said[1:] != ["local"]):
            return candidate
        found.append(f"{candidate} is {said[0] if said else 'not a Go'}")
    raise Failure(
        f"Kubernetes {version()} is compiled with Go {needed} or newer: {'; '.join(found) or 'there is no Go here'}\n"
        f"  = Debian 12 has Go 1.19 only. Install a newer Go from the Go project and put it first on PATH; with Go 1.21 or newer GOTOOLCHAIN=auto fetches the right one"
    )


@contextlib.contextmanager
def locked(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def build(target, work):
    """25 minutes of one processor's time, at a low priority: machines have other things to do."""
    go = find_go()
    number, minor = version(), version().split(".")[1]
    stamps = " ".join(
        f"-X {package}.gitVersion=v{number} -X {package}.gitMajor=1 -X {package}.gitMinor={minor} -X {package}.gitTreeState=clean"
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    )
    environment = {"GOCACHE": str(work / "cache"), "GOMODCACHE": str(work / "modules"), **os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -modcacherw"}
    log = work / "log"
    print(f"Compiling Kubernetes {number} once, into {target}; its log is {log}", file=sys.stderr, flush=True)
    started = time.monotonic()
    part = work / "programs"
    part.mkdir(exist_ok=True)
    with open(log, "w") as output:
        for name, package in (("pause", "./pause"), ("kubernetes", ".")):
            command = ["nice", "-n", "15", go, "build", "-trimpath", "-buildvcs=false", "-ldflags", f"-s -w {stamps}", "-o", str(part / name), package]
            status = subprocess.run(command, cwd=SOURCE, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output).returncode
            if status != 0:
                output.flush()
                lines = [line for line in log.read_text(errors="replace").splitlines() if not line.startswith("go: downloading ")]
                tail = "\n".join(lines[-15:])
                raise Failure(f"Kubernetes could not be compiled (exit status {status}):\n{tail}\n  = the whole output is in {log}")
    part.rename(target)
    print(f"Compiled in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def ensure():
    """The folder with `kubernetes` and `pause`, compiled when it is absent. What the compiler keeps goes when it has succeeded, and stays for the next try when not."""
    target = folder()
    if target.exists():
        return target
    with locked(cache() / "kubernetes.lock"):
        if not target.exists():
            work = target.with_name(target.name + ".build")
            work.mkdir(parents=True, exist_ok=True)
            build(target, work)
            shutil.rmtree(work)
    return target
