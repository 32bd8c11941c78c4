"""Reads the #include lines below src/ and fails on one that points the wrong way; runs itself on a fixture that must fail."""

import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1] / "src"

# Folder -> folders it may include besides itself. The arrow of every dependency, once.
BASE = ["base"]
MODEL = BASE + ["model"]
GRAPH = MODEL + ["graph"]
PLANNING = GRAPH + ["sql"]
PORTS = PLANNING + ["plan", "merge"]
RUN = PORTS + ["ports"]
MAY_INCLUDE = {
    "base": [],
    "model": BASE,
    "load": MODEL,
    "sql": MODEL,
    "graph": MODEL,
    "check": PLANNING,   # sql: names of database objects are built there, and clashes found with them
    "plan": PLANNING,
    "merge": PLANNING,
    "render": PORTS,
    "ports": PORTS,
    "run": RUN,
    "access": RUN,
    "api": RUN + ["access"],
    "adapters": PORTS + ["ports", "access"],   # access: the words of recordings and of terminals, which adapters write and send
    "cli": RUN + ["run", "access", "api", "render", "load", "check"],
    "app": ["*"],
    "testing": ["*"],
}
TESTS_MAY_INCLUDE = ["load", "testing", "adapters"]

# What decides must not act: no clock, thread, file, socket, database, environment or log in these.
PURE = {"base", "model", "load", "check", "sql", "graph", "plan", "merge", "render"}
EFFECTS = re.compile(r"^(thread|mutex|condition_variable|fstream|filesystem|iostream|unistd\.h|fcntl\.h|sys/.*|netdb\.h|time\.h|ctime|"
                     r"libpq-fe\.h|curl/.*|httplib\.h|spdlog/.*|chrono)$")
ALLOWED_EFFECTS = {("base/cron.h", "chrono")}   # types of time points only
# Third-party headers stay in their folder.
AT_HOME = {"libpq-fe.h": ["adapters/postgres"], "openssl/ssl.h": ["adapters/postgres"], "openssl/err.h": ["adapters/postgres"],
           **{f"openssl/{name}.h": ["adapters/oidc"] for name in ("bn", "core_names", "ec", "param_build")}, "openssl/evp.h": ["adapters/oidc", "adapters/postgres"],
           "yaml.h": ["load", "adapters/kubernetes"], "pg_query.h": ["sql"], "CLI/CLI.hpp": ["cli"], "httplib.h": ["adapters/http"],
           "curl/curl.h": ["adapters/http", "adapters/oidc", "adapters/container", "adapters/kubernetes"],
           "nlohmann/json.hpp": ["access", "api", "cli", "render", "sql", "adapters/container", "adapters/http", "adapters/kubernetes"], "sodium.h": ["base", "adapters", "app"]}

# A template that makes JSON and its schema of one description; .cc files of api and cli alone include it.
JSON_HEADERS = {"api/record.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def top(path):
    return path.split("/", 1)[0]


def findings(source):
    found = []
    for file in sorted(source.rglob("*")):
        if file.suffix not in (".h", ".cc"):
            continue
        name = file.relative_to(source).as_posix()
        folder = top(name)
        is_test = file.stem.endswith("_test")
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            kind, header = match.groups()
            place = f"{name}:{number}"
            homes = AT_HOME.get(header)
            if homes is not None and not any(name.startswith(home + "/") for home in homes):
                found.append(f"{place}: {header} belongs in {' or '.join(homes)}")
            if folder in PURE and not is_test and kind == "<" and EFFECTS.match(header) and (name, header) not in ALLOWED_EFFECTS:
                found.append(f"{place}: {folder} is pure and may not include <{header}>")
            if header.endswith(".h") and kind == "<" and homes is None and header.startswith("nlohmann"):
                found.append(f"{place}: include nlohmann/json.hpp")
            if file.suffix == ".h" and header == "nlohmann/json.hpp" and name not in JSON_HEADERS:
                found.append(f"{place}: {header} only in .cc files")
            if kind == '"' and "/" in header:
                target = top(header)
                allowed = MAY_INCLUDE.get(folder, [])
                if target == folder or "*" in allowed or target in allowed or (is_test and target in TESTS_MAY_INCLUDE):
                    continue
                if target in MAY_INCLUDE:
                    found.append(f"{place}: {folder} may not include {target}")
    return found


def main():
    expected = (HERE / "fixture" / "expected.txt").read_text().splitlines()
    seen = findings(HERE / "fixture" / "src")
    if seen != expected:
        print("the fixture must give exactly its findings; it gave:", *seen, sep="\n  ")
        return 1
    found = findings(SOURCE)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
