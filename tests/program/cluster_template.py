"""A PostgreSQL cluster made once and copied for each test that starts a private server, as initdb takes two seconds of a processor.

    cluster_template.py make FOLDER | remove FOLDER

FOLDER then holds the programs of PostgreSQL, as links, and in place of initdb a script: called as the template was made it copies the
template, for another user's server it is initdb. Named by YELLOW_PG_BIN it takes the place of the distribution's folder. As root the template is the user
postgres's.
"""

import os
import pathlib
import shlex
import shutil
import subprocess
import sys

from server import PROGRAMS, unprivileged

# As Yellow calls it for its private server.
ARGUMENTS = ["-U", "yellow_super", "--auth-local=peer", "--auth-host=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums",
             "--no-instructions"]

SCRIPT = """#!/bin/sh
# initdb -D DIRECTORY ARGUMENTS…
if [ "$1" != -D ]; then exec {initdb} "$@"; fi
directory=$2
shift 2
case "$*" in
  {arguments}) if [ -r {template} ]; then exec cp -a {template}/. "$directory"; fi ;;
  *yellow_super*) echo "Yellow calls initdb in another way than cluster_template.py has noted: $*" >&2; exit 1 ;;
esac
exec {initdb} -D "$directory" "$@"
"""


def make(folder):
    remove(folder)
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    home = folder / "template"
    home.mkdir(0o700)
    if os.geteuid() == 0:
        shutil.chown(home, "postgres", "postgres")
    subprocess.run([f"{PROGRAMS}/initdb", "-D", str(home / "data"), *ARGUMENTS], check=True, cwd="/", stdout=subprocess.DEVNULL, **unprivileged())
    for program in pathlib.Path(PROGRAMS).iterdir():
        if program.name != "initdb":
            (folder / program.name).symlink_to(program)
    script = folder / "initdb"
    script.write_text(SCRIPT.format(arguments=shlex.quote(" ".join(ARGUMENTS)), template=shlex.quote(str(home / "data")), initdb=shlex.quote(f"{PROGRAMS}/initdb")))
    script.chmod(0o755)


def remove(folder):
    # Another's folder of this name in /tmp is not ours to take away; mkdir then says so.
    if folder.exists() and folder.stat().st_uid == os.geteuid():
        shutil.rmtree(folder)


if __name__ == "__main__":
    {"make": make, "remove": remove}[sys.argv[1]](pathlib.Path(sys.argv[2]))
