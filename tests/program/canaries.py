"""Secrets that a test knows, looked for in whatever it finds, in every form that programs give to a text."""

import base64
import json
import os
import pathlib
import re
import threading
import time
import urllib.parse


def in_base64(secret, before):
    """The digits that are the same whatever stands before and behind it, `before` bytes past a multiple of three."""
    digits = base64.b64encode(b"\0" * before + secret).rstrip(b"=")
    return digits[(before * 8 + 5) // 6:(before + len(secret)) * 8 // 6]


def forms(secret):
    """Name to bytes: each of the encodings of a text."""
    text = secret.encode()
    named = {
        "plain": text,
        "JSON": json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
        "JSON in ASCII": json.dumps(secret)[1:-1].encode(),
        "JSON, each character": "".join(f"\\u{ord(c):04x}" for c in secret).encode(),
        "percent": urllib.parse.quote(secret, safe="").encode(),
        "percent, small": re.sub("%..", lambda found: found.group().lower(), urllib.parse.quote(secret, safe="")).encode(),
        "percent, each byte": "".join(f"%{byte:02X}" for byte in text).encode(),
        "hex": text.hex().encode(),
        "HEX": text.hex().upper().encode(),
        "SQL": secret.replace("'", "''").encode(),
    }
    for before in range(3):
        named[f"Base64 at {before}"] = in_base64(text, before)
        named[f"Base64 for URLs at {before}"] = in_base64(text, before).translate(bytes.maketrans(b"+/", b"-_"))
    return named


class Canaries:
    """Each by its name; of one with other characters than letters and digits its longest part without them is looked for too."""

    def __init__(self):
        self.secrets, self.patterns = {}, {}

    def add(self, name, secret):
        self.secrets[name] = secret
        for part in {secret, max(re.findall("[A-Za-z0-9]+", secret), key=len)}:
            assert len(part) >= 12, (name, "is too short to be found by")
            for form, pattern in forms(part).items():
                self.patterns.setdefault(pattern, (name, form))
        return secret

    def found_in(self, data, but=()):
        """(name, form) of all that stand in it, but for those names."""
        data = data.encode(errors="surrogateescape") if isinstance(data, str) else data
        return sorted({found for pattern, found in self.patterns.items() if found[0] not in but and pattern in data})


class Processes(threading.Thread):
    """What can be seen of every process while this runs: `seen` has (command line, environment, parent) of each, as often as they change."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen, self.over = {}, threading.Event()

    def run(self):
        while not self.over.is_set():
            for name in os.listdir("/proc"):
                if name.isdigit() and int(name) != os.getpid():
                    self.look(pathlib.Path("/proc", name))
            time.sleep(0.01)

    def look(self, folder):
        try:
            command = (folder / "cmdline").read_bytes()
            if not command or (folder.name, command) in self.seen:
                return
            parent = int((folder / "stat").read_text().rpartition(") ")[2].split()[1])
            self.seen[folder.name, command] = ((folder / "environ").read_bytes(), parent)
        except (OSError, ValueError):
            pass  # it has ended, or is none that has an environment

    def stop(self):
        self.over.set()
        self.join()
