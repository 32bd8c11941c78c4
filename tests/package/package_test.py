"""`make package`: what is in the Debian package, what it needs, and that the program in it works where there is no source tree."""

import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSION = re.search(r"^project\(yellow VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.M)[1]


def output(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # YELLOW_DEB: a package that is there already.
        cls.packages = [pathlib.Path(os.environ["YELLOW_DEB"])] if "YELLOW_DEB" in os.environ else cls.make()
        cls.base = pathlib.Path(tempfile.mkdtemp(prefix="yellow-package-"))
        cls.addClassCleanup(shutil.rmtree, cls.base, True)
        cls.base.chmod(0o755)
        cls.root = cls.base / "root"
        subprocess.run(["dpkg", "-x", str(cls.packages[0]), str(cls.root)], check=True)
        cls.program = cls.root / "usr/bin/yellow"

    @staticmethod
    def make():
        for old in (ROOT / "build/release").glob("yellow_*.deb"):
            old.unlink()
        subprocess.run(["make", "-s", "package"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return list((ROOT / "build/release").glob("yellow_*.deb"))

    def fields(self):
        return dict(re.findall(r"^ ?([A-Z][\w-]*): (.*)$", output("dpkg-deb", "-f", str(self.packages[0])), re.M))

    def test_one_package_of_this_version_that_names_what_it_needs(self):
        architecture = output("dpkg", "--print-architecture").strip()
        self.assertEqual([p.name for p in self.packages], [f"yellow_{VERSION}_{architecture}.deb"])
        fields = self.fields()
        self.assertEqual((fields["Package"], fields["Version"], fields["Architecture"]), ("yellow", VERSION, architecture))
        for needed in ("libc6 (", "libpq5 (", "libyaml-0-2", "libsodium23 (", "postgresql-client", "tzdata"):
            self.assertIn(needed, fields["Depends"])
        self.assertIn("postgresql-15", fields["Recommends"])
        # apt finds every one of them on this machine.
        simulated = subprocess.run(["apt-get", "-s", "-o", "Debug::NoLocking=1", "install", str(self.packages[0])], capture_output=True, text=True)
        self.assertEqual(simulated.returncode, 0, simulated.stdout + simulated.stderr)
        self.assertIn(f"Inst yellow ({VERSION}", simulated.stdout)

    def test_it_holds_the_program_its_documents_and_examples_and_nothing_else(self):
        listed = re.findall(r"^(\S{10}) (\S+) +\d+ \S+ \S+ \./(\S*)", output("dpkg-deb", "-c", str(self.packages[0])), re.M)
        files = {name for mode, _, name in listed if not mode.startswith("d")}
        self.assertEqual({owner for _, owner, _ in listed}, {"root/root"})
        self.assertEqual({name for name in files if not name.startswith("usr/share/doc/yellow/")}, {"usr/bin/yellow"})
        for name in ("README.md", "copyright", "docs/model-reference.md", "examples/shop/model/shop.yaml"):
            self.assertIn("usr/share/doc/yellow/" + name, files)
        self.assertEqual([(mode, name) for mode, _, name in listed if re.match(r"....(.w|....w)", mode[1:]) and not mode.startswith("l")], [])
        members = output("dpkg-deb", "--ctrl-tarfile", str(self.packages[0]), errors="replace")
        self.assertNotIn("conffiles", members)
        # Documents link to each other.
        documents = self.root / "usr/share/doc/yellow"
        for link in re.findall(r"\]\((?!http)([^)#]+)\)", (documents / "README.md").read_text()):
            self.assertTrue((documents / link).exists(), link)

    def test_the_program_knows_no_source_tree(self):
        program = self.program.read_bytes()
        self.assertNotIn(str(ROOT).encode(), program)
        self.assertNotIn(b".symtab", program, "it is stripped")
        self.assertEqual(output(str(self.program), "--version"), f"yellow {VERSION}\n")

    def test_the_demo_runs_where_there_is_no_source_tree(self):
        """As root the tree is hidden from it."""
        hide = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"', str(ROOT)] if os.geteuid() == 0 else []
        shop = self.base / "shop"
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.base), "LANG": "C.UTF-8"}

        def yellow(*arguments):
            return subprocess.run([*hide, str(self.program), *arguments], cwd=self.base, env=environment, capture_output=True, text=True, timeout=300)

        try:
            done = yellow("demo", "shop")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn("Proof: no source value is left in the masked store.", done.stdout)
            done = yellow("--project", str(shop), "test")
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            done = yellow("--project", str(shop), "render", "systemd")
            self.assertIn(f"ExecStart={self.program} --project {shop} ", done.stdout)
        finally:
            yellow("--project", str(shop), "down")
            # Root's private server keeps its data outside the project.
            digest = hashlib.sha256(str(shop / ".yellow").encode()).hexdigest()[:16]
            for folder in (f"/var/lib/yellow/{digest}", f"/run/yellow/{digest}"):
                shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    unittest.main()
