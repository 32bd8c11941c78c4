"""A session that shows more than anybody reads: it waits, and nothing grows."""

import hashlib
import pathlib
import re
import time
import unittest

from session import Case


class HowMuch(Case):
    def test_a_flood_to_a_reader_that_waits(self):
        size = 100 << 20
        session = self.started("sh", "-c", f"stty raw; yes 0123456789abcde | head -c {size}")
        recorder = session.recorder()
        def resident():
            return int(re.search(r"^VmHWM:\s*(\d+)", pathlib.Path(f"/proc/{recorder}/status").read_text(), re.M)[1])
        time.sleep(1)
        before = session.path.stat().st_size
        time.sleep(0.5)
        self.assertEqual(session.path.stat().st_size, before, "nobody reads, so nothing comes")
        self.assertLess(before, 4 << 20)
        digest, count = hashlib.sha256(), 0
        largest = 0
        while session.take():
            digest.update(session.shown)
            count += len(session.shown)
            session.shown = b""
            if count % (10 << 20) < 1 << 16 and session.end is None:
                largest = max(largest, resident())
        self.assertEqual((count, digest.hexdigest()), (size, hashlib.sha256(b"0123456789abcde\n" * (size // 16)).hexdigest()))
        self.assertTrue(0 < largest < 40000, f"{largest} KiB")
        self.assertEqual(session.report()["end"], "ended")
        done = self.base.replay(session.path)
        self.assertEqual((done.returncode, hashlib.sha256(done.stdout.encode()).hexdigest()), (0, digest.hexdigest()))


if __name__ == "__main__":
    unittest.main()
