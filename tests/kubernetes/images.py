"""The images of the cluster, made here from Debian's static busybox and our own pause program: no registry is asked."""

import hashlib
import io
import json
import pathlib
import platform
import tarfile

from programs import Failure

BUSYBOX = pathlib.Path("/bin/busybox")
BASE = "localhost/yellow-base:1"
# What a shell script in a pod expects to find.
APPLETS = "sh cat echo env false grep head id ip ls mkdir nc ps rm sed seq sleep sort tail test touch tr true wc wget xargs".split()


def entry(name, kind=tarfile.REGTYPE, mode=0o755, size=0, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.size, info.linkname = kind, mode, size, link
    return info


def layer(files):
    """A tar of (name, bytes | path of a link | None for a folder)."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files:
            if content is None:
                tar.addfile(entry(name, tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755))
            elif isinstance(content, str):
                tar.addfile(entry(name, tarfile.SYMTYPE, link=content))
            else:
                tar.addfile(entry(name, size=len(content)), io.BytesIO(content))
    return packed.getvalue()


def archive(path, name, files, config):
    """Writes an image as `docker save` would: one layer."""
    packed = layer(files)
    described = json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()],
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(packed).hexdigest()}"]},
    }).encode()
    digest = hashlib.sha256(described).hexdigest()
    manifest = json.dumps([{"Config": f"{digest}.json", "RepoTags": [name], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(path, "w") as tar:
        for member, content in ((f"{digest}.json", described), ("layer.tar", packed), ("manifest.json", manifest)):
            tar.addfile(entry(member, size=len(content)), io.BytesIO(content))


def write_pause(path, name, program):
    archive(path, name, [("pause", program.read_bytes())], {"Entrypoint": ["/pause"]})


def write_base(path, name=BASE, labels=None):
    if not BUSYBOX.exists():
        raise Failure(f"{BUSYBOX} is missing\n  = apt-get install busybox-static")
    folders = [(name, None) for name in ("bin", "etc", "tmp", "home", "proc", "sys", "dev")]
    users = b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
    files = [("bin/busybox", BUSYBOX.read_bytes()), *((f"bin/{applet}", "busybox") for applet in APPLETS), ("etc/passwd", users), ("etc/group", b"root:x:0:\nnogroup:x:65534:\n")]
    archive(path, name, [*folders, *files], {"Env": ["PATH=/bin"], "Cmd": ["/bin/sh"], "User": "65534:65534", "Labels": labels or {}})
