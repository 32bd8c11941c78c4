"""The recorder of sessions: nothing is passed on that is not recorded, nothing outlives a session, nothing of the installation is seen in one."""

import hashlib
import os
import pathlib
import signal
import socket
import subprocess
import time
import unittest

from session import DRIVER, Case, inputs, outputs, processes, wait_for


class WhatIsRecorded(Case):
    def test_what_is_shown_and_what_is_typed(self):
        session = self.started("sh", environment={"PGPASSWORD": "canary-4711", "PS1": "> "})
        session.expect("> $")
        session.type("echo pass-$PGPASSWORD | tr a-z A-Z\r")
        session.expect("PASS-CANARY-4711")
        session.type("exit 3\r")
        report = session.report()
        self.assertEqual((report["end"], report["status"], session.end), ("ended", 3, "ended 3 "))
        self.assertEqual(session.messages, ["This session is recorded: what is shown and what is typed."])
        recording = self.assert_same_as_shown(session, report)
        self.assertEqual(inputs(recording), b"echo pass-$PGPASSWORD | tr a-z A-Z\rexit 3\r")
        self.assertEqual((recording["title"], recording["columns"], recording["rows"]), ("the test", 80, 24))
        self.assertLess(abs(time.time() - time.mktime(time.strptime(recording["started_at"], "%Y-%m-%dT%H:%M:%SZ")) + time.timezone), 60)
        cast = self.base.replay(session.path, "--cast").stdout
        self.assertIn('"env": {"TERM": "xterm"}', cast)
        self.assertNotIn("canary", cast)
        self.assertNotIn(b"canary", session.path.read_bytes())
        self.assertEqual(session.path.stat().st_mode & 0o777, 0o600)

    def test_bytes_that_are_no_text(self):
        session = self.started("sh", "-c", "stty raw -echo; echo ready; head -c 300000 /dev/urandom; head -c 4 | od -An -tx1")
        session.expect("ready")
        session.type(b"\xff\xc3")
        time.sleep(0.2)
        session.type(b"\xa9\x00")
        report = session.report()
        self.assertIn(b"ff c3 a9 00", session.shown)
        self.assertGreater(len(session.shown), 300000)
        self.assertEqual(inputs(self.assert_same_as_shown(session, report)), b"\xff\xc3\xa9\x00")

    def test_a_letter_that_comes_in_two_pieces_is_one(self):
        session = self.started("sh", "-c", r"stty raw -echo; printf 'a\303'; sleep 0.01; printf '\251z'; printf 'x\342\202'; sleep 0.3; printf end")
        report = session.report()
        recording = self.assert_same_as_shown(session, report)
        self.assertIn("é", "".join(e["text"] for e in recording["events"]))
        self.assertEqual([e["text"] for e in recording["events"] if e["bytes"]], ["��"], "the rest of it never came")

    def test_the_size_of_the_terminal(self):
        session = self.started("sh", environment={"PS1": "> "})
        session.expect("> $")
        session.resize(132, 43)
        session.type("stty size; exit\r")
        report = session.report()
        self.assertIn(b"43 132", session.shown)
        resizes = [e for e in self.assert_same_as_shown(session, report)["events"] if e["kind"] == "resize"]
        self.assertEqual([(e["columns"], e["rows"]) for e in resizes], [(132, 43)])

    def test_a_password_is_left_out_and_what_is_typed_after_it_is_not(self):
        session = self.started("sh", "-c", 'stty -echo; printf "Password: "; read p; stty echo; [ "$p" = canary-77 ] && echo right; read q; echo "<$q>"')
        session.expect("Password: ")
        session.type("canary-77\rvisible\r")
        report = session.report()
        self.assertIn(b"right", session.shown)
        self.assertIn(b"<visible>", session.shown)
        recording = self.assert_same_as_shown(session, report)
        self.assertEqual([e["left_out"] for e in recording["events"] if e["kind"] == "left_out"], [10])
        self.assertEqual(inputs(recording), b"visible\r")
        self.assertNotIn("canary", self.base.replay(session.path, "--cast").stdout)

    def test_a_program_that_takes_key_by_key_is_recorded(self):
        session = self.started("bash", "--norc", "--noprofile", environment={"PS1": "> "})
        session.expect("> $")
        session.type("echo o''ne\r")
        session.expect("\rone\r")
        session.type("exit\r")
        recording = self.assert_same_as_shown(session, session.report())
        self.assertEqual(inputs(recording), b"echo o''ne\rexit\r")
        self.assertEqual([e for e in recording["events"] if e["kind"] == "left_out"], [])

    def test_nothing_runs_without_a_recording(self):
        marker = self.base.reach / "ran"
        for options, why in (({"recipients": []}, "needs a reviewer's key"), ({"recipients": ["yellow-review-1:x"]}, "no public key of a reviewer"),
                             ({"path": self.base.root / "no/such/folder"}, "cannot make"), ({"path": self.base.key}, "cannot make"),
                             ({"options": ["reachable=/no/such"]}, "cannot take /no/such along")):
            session = self.session("touch", str(marker), **options)
            self.assertTrue(session.first.startswith("error: ") and why in session.first, session.first)
            self.assertFalse(marker.exists())
        session = self.session("no-such-program")
        self.assertEqual(session.first, "error: cannot run no-such-program: No such file or directory")
        self.assertFalse(session.path.exists())



class PipedInput(Case):
    """What nobody types, and a program reads as it is."""

    def test_every_byte_comes_through_and_none_is_shown_again(self):
        session = self.started("sh", "-c", "test -t 0; echo terminal $?; sha256sum; test -t 1; echo shown on one $?", options=["piped"])
        sent = bytes(range(256)) * 800 + b"a line without an end"
        for at in range(0, len(sent), 50000):
            session.type(sent[at:at + 50000])
        session.type(b"")
        report = session.report()
        self.assertEqual((report["end"], report["status"]), ("ended", 0))
        self.assertEqual(session.shown.decode(), f"terminal 1\n{hashlib.sha256(sent).hexdigest()}  -\nshown on one 0\n")
        self.assertEqual(inputs(self.assert_same_as_shown(session, report)), sent)

    def test_a_program_that_does_not_read_it(self):
        """It is recorded all the same, holds nothing up, and its exit status is told."""
        session = self.started("sh", "-c", "exec <&-; sleep 0.5; echo over; exit 7", options=["piped"])
        for _ in range(20):
            session.type(b"x" * 10000)
        session.type(b"")
        report = session.report()
        self.assertEqual((report["end"], report["status"], session.shown), ("ended", 7, b"over\n"))

    def test_its_end_does_not_come_when_the_person_goes(self):
        for how in ("goes", "cancelled"):
            mark = self.base.reach / how
            session = self.started("sh", "-c", f"trap '' HUP; echo there; cat >{mark}; echo end >>{mark}", options=["piped"])
            session.expect("there")
            session.type(b"half")
            wait_for(lambda: mark.exists() and mark.read_bytes() == b"half", "it reads")
            if how == "goes":
                session.socket.close()
            else:
                session.driver.stdin.close()
                session.driver.stdin = None
            session.report()
            self.assertEqual(mark.read_bytes(), b"half", how)

    def test_its_end_does_not_come_when_the_recorder_is_killed(self):
        """However the kernel's end of the recorder and that of what ran in it fall."""
        seen = []
        for number in range(30):
            mark = self.base.reach / f"killed-{number}"
            session = self.started("sh", "-c", f"cat >{mark}; echo end >>{mark}", options=["piped"])
            session.type(b"half")
            wait_for(lambda: mark.exists() and mark.read_bytes() == b"half", "it reads")
            os.kill(session.recorder(), signal.SIGKILL)
            self.assertEqual(session.report()["end"], "recorder_gone")
            seen.append(mark.read_bytes())
        self.assertEqual(set(seen), {b"half"}, seen)


class HowItEnds(Case):
    SURVIVORS = ("setsid sleep {n}1 & nohup sleep {n}2 >/dev/null 2>&1 & (setsid sh -c 'sleep {n}3 & exec sleep {n}4' &) ; trap '' HUP TERM INT; "
                 "sh -c 'sh -c \"sleep {n}5\"' & ")

    def with_survivors(self, rest, **options):
        number = f"9{os.getpid()}{time.monotonic_ns() % 1000}"  # of this test alone
        self.word = f"sleep\0{number}"
        session = self.started("sh", "-c", self.SURVIVORS.format(n=number) + rest, **options)
        session.expect("ready")
        wait_for(lambda: len(processes(self.word)) == 5, "five that try to stay")
        return session

    def assert_all_gone(self):
        self.assertEqual(processes(self.word), [])

    def test_with_its_program_and_all_that_it_left_behind(self):
        session = self.with_survivors("echo ready; read x; exit 4")
        session.type("\r")
        report = session.report()
        self.assert_all_gone()
        self.assertEqual((report["end"], report["status"]), ("ended", 4))
        self.assert_same_as_shown(session, report)

    def test_when_its_time_is_over(self):
        session = self.with_survivors("echo ready; sleep 60", options=["longest=2000"])
        began = time.monotonic()
        report = session.report()
        self.assert_all_gone()
        self.assertLess(time.monotonic() - began, 4)
        self.assertEqual((report["end"], report["status"], session.end), ("expired", 137, "expired 137 "))
        self.assert_same_as_shown(session, report)

    def test_when_it_is_cancelled(self):
        session = self.with_survivors("echo ready; sleep 60")
        session.driver.stdin.close()
        session.driver.stdin = None
        self.assertEqual(session.report()["end"], "cancelled")
        self.assert_all_gone()

    def test_when_the_person_goes(self):
        session = self.with_survivors("trap 'echo told > %s/told' HUP; echo ready; while :; do sleep 0.1; done" % self.base.reach)
        session.socket.shutdown(socket.SHUT_RDWR)
        report = session.report()
        self.assert_all_gone()
        self.assertEqual(report["end"], "hung_up")
        self.assertEqual((self.base.reach / "told").read_text(), "told\n")
        self.assertEqual(self.base.recording(session.path)["state"], "complete")

    def test_when_what_comes_is_no_frame(self):
        session = self.started("sh", "-c", "echo ready; sleep 60")
        session.expect("ready")
        session.socket.sendall(b"\x00" * 64)
        self.assertEqual(session.report()["end"], "hung_up")

    def test_when_the_service_is_killed(self):
        session = self.with_survivors("echo ready; sleep 60")
        recorder = session.recorder()
        session.driver.kill()
        wait_for(lambda: not pathlib.Path(f"/proc/{recorder}").exists(), "the recorder ends")
        self.assert_all_gone()
        while session.take():
            pass
        self.assertEqual(session.end, "service_gone 137 ")
        recording = self.base.recording(session.path)
        self.assertEqual((recording["state"], outputs(recording)), ("complete", session.shown))

    def test_when_the_recorder_is_killed(self):
        session = self.with_survivors("echo ready; sleep 60")
        os.kill(session.recorder(), signal.SIGKILL)
        report = session.report()
        self.assert_all_gone()
        self.assertEqual((report["end"], report["events"]), ("recorder_gone", 0))
        content = session.path.read_bytes()
        self.assertEqual((report["bytes"], report["digest"]), (len(content), hashlib.sha256(content).hexdigest()))
        recording = self.base.recording(session.path)
        self.assertEqual((recording["state"], outputs(recording)), ("cut", session.shown))

    def test_signals_for_a_group_do_not_end_it(self):
        session = self.started("sh", "-c", "echo ready; read x; exit 5")
        session.expect("ready")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(session.recorder(), number)
        session.type("\r")
        self.assertEqual(session.report()["status"], 5)


@unittest.skipUnless(os.geteuid() == 0, "only root can mount a small disk")
class AFullDisk(Case):
    def setUp(self):
        super().setUp()
        self.disk = self.base.root / "disk"
        self.disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(self.disk)], check=True)
        self.addCleanup(subprocess.run, ["umount", str(self.disk)], check=True)

    def fill(self):
        with open(self.disk / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 512)
            except OSError:
                pass

    def test_input_that_cannot_be_recorded_is_not_passed_on(self):
        session = self.started("sh", path=self.disk / "r", environment={"PS1": "> "})
        session.expect("> $")
        # The page that the file ends in still takes some.
        self.fill()
        session.type(f"touch {self.base.reach}/passed #{'x' * 3000}\r")
        session.type(f"touch {self.base.reach}/passed-too #{'x' * 3000}\r")
        report = session.report()
        self.assertEqual((report["end"], report["status"]), ("cannot_record", 137))
        self.assertIn("No space left on device", report["why"])
        self.assertIn("No space left on device", session.end)
        self.assertFalse((self.base.reach / "passed-too").exists())
        (self.disk / "filler").unlink()
        recording = self.base.recording(session.path)
        self.assertEqual((recording["state"], "passed-too" in inputs(recording).decode()), ("cut", False))
        if (self.base.reach / "passed").exists():
            self.assertIn(b"passed #", inputs(recording))

    def test_output_that_cannot_be_recorded_is_not_shown(self):
        session = self.started("sh", "-c", "seq 1 1000000; sleep 60", path=self.disk / "r")
        report = session.report()
        self.assertEqual(report["end"], "cannot_record")
        recording = self.base.recording(session.path)
        self.assertEqual(recording["state"], "cut")
        self.assertEqual(outputs(recording), session.shown)
        self.assertGreater(len(session.shown), 100000)


class WhatItReaches(Case):
    LOOK = "cat {file} && echo read; ls {folder} && echo listed; echo x > /usr/x && echo wrote; cat /etc/hostname && echo system; echo x > /tmp/x && cat /tmp/x; " \
           "echo ok > {reach}/by-session; ls -d /proc/[0-9]* | wc -l; unshare -m true && echo unshared; ls /var /home /root /run /sys 2>/dev/null | wc -l"

    def look(self, **options):
        secret = self.base.root / "installation.yaml"
        secret.write_text("secret")
        secret.chmod(0o644)
        session = self.started("sh", "-c", self.LOOK.format(file=secret, folder=pathlib.Path(DRIVER).parent, reach=self.base.reach), **options)
        self.assertEqual(session.report()["end"], "ended")
        shown = session.shown.decode()
        for word in ("read\r", "listed", "wrote", "unshared", "secret"):
            self.assertNotIn(word, shown)
        self.assertIn("system\r\nx\r\n", shown)
        self.assertEqual((self.base.reach / "by-session").read_text(), "ok\n")
        counted = [int(line) for line in shown.split("\r\n") if line.strip().isdigit()]
        self.assertTrue(2 <= counted[0] <= 5, shown)
        self.assertEqual(counted[1], 0, shown)

    def test_nothing_of_the_installation(self):
        self.look()

    @unittest.skipUnless(os.geteuid() == 0, "only root can become somebody else")
    def test_nor_when_the_service_is_not_root(self):
        self.look(starter=["setpriv", "--reuid=65500", "--regid=65500", "--clear-groups"])

    def test_no_network_but_sockets_of_its_folder(self):
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        local = socket.socket(socket.AF_UNIX)
        self.addCleanup(local.close)
        local.bind(str(self.base.reach / "here"))
        (self.base.reach / "here").chmod(0o777)
        local.listen()
        script = ("import socket,sys\n"
                  f"s=socket.socket(socket.AF_UNIX); s.connect('{self.base.reach}/here'); print('local')\n"
                  f"socket.create_connection(('127.0.0.1',{listening.getsockname()[1]})); print('network')")
        alone = self.started("/usr/bin/python3", "-c", script)
        alone.report()
        self.assertIn(b"local", alone.shown)
        self.assertNotIn(b"network\r", alone.shown)
        connected = self.started("/usr/bin/python3", "-c", script, options=["network="])
        connected.report()
        self.assertIn(b"network\r", connected.shown)


if __name__ == "__main__":
    unittest.main()
