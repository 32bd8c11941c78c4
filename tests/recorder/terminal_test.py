"""The person's side of a session, on a terminal and on pipes, and the replay of recordings on both."""

import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import threading
import time
import unittest

from session import DRIVER, YELLOW, Base, Case, inputs, outputs, wait_for


class Terminal:
    """A program on a pseudo terminal of its own."""

    def __init__(self, *command, descriptors=(), size=(40, 100)):
        self.master, self.slave = pty.openpty()
        termios.tcsetwinsize(self.slave, size)
        self.program = subprocess.Popen(command, stdin=self.slave, stdout=self.slave, stderr=self.slave, pass_fds=descriptors, start_new_session=True)
        self.shown = b""

    def is_raw(self):
        return not termios.tcgetattr(self.slave)[3] & termios.ICANON

    def type(self, text):
        os.write(self.master, text.encode())

    def take(self, seconds=0.1):
        if select.select([self.master], [], [], seconds)[0]:
            self.shown += os.read(self.master, 1 << 16)
            return True
        return False

    def expect(self, pattern):
        wait_for(lambda: re.search(pattern.encode(), self.shown) or (self.take(), None)[1], f"{pattern} in {self.shown!r}")

    def wait(self):
        while self.program.poll() is None:
            self.take()
        while self.take(0):
            pass
        return self.program.returncode

    def close(self):
        if self.program.poll() is None:
            self.program.kill()
            self.program.wait()
        os.close(self.master)
        os.close(self.slave)


class OnTerminals(Case):
    def terminal(self, *command, **options):
        terminal = Terminal(*command, **options)
        self.addCleanup(terminal.close)
        return terminal

    def attach(self, session):
        terminal = self.terminal(DRIVER, "attach", str(session.socket.fileno()), descriptors=[session.socket.fileno()])
        session.socket.close()
        return terminal

    def piped(self, session, text):
        done = subprocess.run([DRIVER, "attach", str(session.socket.fileno())], input=text, capture_output=True, text=True, timeout=60,
                              pass_fds=[session.socket.fileno()])
        return done


class TheTerminal(OnTerminals):
    def test_it_is_as_the_program_wants_and_then_as_it_was(self):
        session = self.started("sh", environment={"PS1": "> "})
        terminal = self.attach(session)
        terminal.expect("> $")
        self.assertTrue(terminal.is_raw())
        terminal.type("stty size; echo $TERM\r")
        terminal.expect("40 100\r\nxterm\r\n> $")
        termios.tcsetwinsize(terminal.slave, (33, 77))
        os.kill(terminal.program.pid, signal.SIGWINCH)
        terminal.type("stty size\r")
        terminal.expect("33 77")
        terminal.type("sleep 60\r")
        time.sleep(0.3)
        terminal.type("\x03")  # for the program in the session
        terminal.expect(r"\^C\s*> $")
        terminal.type("exit 6\r")
        self.assertEqual(terminal.wait(), 6)
        self.assertFalse(terminal.is_raw())
        self.assertIn(b"This session is recorded: what is shown and what is typed.\r\n", terminal.shown)
        report = session.report()
        self.assertEqual((report["end"], report["status"]), ("ended", 6))
        recording = self.base.recording(session.path)
        self.assertTrue(outputs(recording).endswith(b"exit 6\r\n"))
        self.assertIn(outputs(recording), terminal.shown)

    def test_it_is_put_back_by_signals(self):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
            session = self.started("sh", environment={"PS1": "> "})
            terminal = self.attach(session)
            terminal.expect("> $")
            self.assertTrue(terminal.is_raw())
            terminal.program.send_signal(number)
            self.assertEqual(terminal.wait(), -number)
            self.assertFalse(terminal.is_raw())
            self.assertEqual(session.report()["end"], "hung_up")

    def test_it_is_put_back_when_the_recorder_is_killed(self):
        session = self.started("sh", environment={"PS1": "> "})
        terminal = self.attach(session)
        terminal.expect("> $")
        os.kill(session.recorder(), signal.SIGKILL)
        terminal.wait()
        self.assertFalse(terminal.is_raw())
        self.assertIn(b"end: recorder_gone", terminal.shown)


class Pipes(OnTerminals):
    def test_input_ends_the_program_when_it_ends(self):
        for program, environment in ((["sh"], {"PS1": "> "}), (["bash", "--norc", "--noprofile"], {"PS1": "> "}), (["sh", "-c", "sh -c sh; cat"], {"PS1": "> "}), (["cat"], {})):
            session = self.started(*program, environment=environment, options=["piped"])
            done = self.piped(session, "echo some-text\n")
            session.socket.close()
            self.assertEqual((done.returncode, session.report()["end"]), (0, "ended"), (program, done))
            self.assertIn("some-text\n", done.stdout)
            self.assertIn(b"echo some-text\n", inputs(self.base.recording(session.path)))

    def test_a_line_without_an_end_arrives(self):
        session = self.started("sh", "-c", "cat > %s/got" % self.base.reach, options=["piped"])
        self.assertEqual(self.piped(session, "no end").returncode, 0)
        self.assertEqual((self.base.reach / "got").read_text(), "no end")

    def attached(self, session, **ends):
        done = subprocess.run([DRIVER, "attach", str(session.socket.fileno())], stderr=subprocess.PIPE, text=True, timeout=60, pass_fds=[session.socket.fileno()], **ends)
        session.socket.close()
        return done

    def test_input_that_cannot_be_read_has_not_ended(self):
        """A folder; a connection that is reset after half of it."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)
        for name, why in (("folder", "Is a directory"), ("connection", "Connection reset by peer")):
            mark = self.base.reach / name
            session = self.started("sh", "-c", f"trap '' HUP; cat >{mark}; echo end >>{mark}", options=["piped"])
            wait_for(mark.exists, "it reads")
            if name == "folder":
                given = os.open(self.base.root, os.O_RDONLY)
            else:
                far = socket.create_connection(listening.getsockname())
                given = listening.accept()[0].detach()
                far.sendall(b"half")
                threading.Thread(target=lambda: (wait_for(lambda: mark.read_bytes() == b"half", "half of it has come"), far.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)), far.close())).start()
            done = self.attached(session, stdin=given, stdout=subprocess.PIPE)
            os.close(given)
            self.assertEqual(done.returncode, 3, done)
            self.assertIn(f"error: standard input cannot be read: {why}\n", done.stderr)
            self.assertEqual(session.report()["end"], "hung_up")
            self.assertNotIn("end", mark.read_text(), name)

    def test_what_cannot_be_shown_any_more_ends_it(self):
        session = self.started("sh", "-c", "echo shown; sleep 60", options=["piped"])
        with open("/dev/full", "w") as full:
            done = self.attached(session, stdin=subprocess.DEVNULL, stdout=full)
        self.assertEqual(done.returncode, 3)
        self.assertIn("error: what it prints cannot be written any more: No space left on device\n", done.stderr)
        self.assertEqual(session.report()["end"], "hung_up")

    def test_much_in_both_directions_does_not_block(self):
        session = self.started("sh", "-c", "head -c 3000000 /dev/zero; head -c 3000000 | wc -c", options=["piped"])
        done = self.piped(session, "x" * 3000000)
        self.assertEqual(done.stdout.count("\0"), 3000000)
        self.assertTrue(done.stdout.rstrip().endswith("3000000"), done.stdout[-100:])


class Replay(OnTerminals):
    SCRIPT = r"printf '\033[31mred\033[0m\n'; printf '\302\233'; sleep 1; echo la''ter; printf '\007'; exit 0"

    def recorded(self, script=SCRIPT):
        session = self.started("sh", "-c", script)
        session.report()
        return session

    def test_escapes_reach_a_terminal_only(self):
        session = self.recorded()
        plain = self.base.replay(session.path)
        self.assertEqual((plain.returncode, plain.stdout), (0, "^[[31mred^[[0m\n^[[later\n^G"))
        self.assertEqual(plain.stderr, "The recording ends here: it is complete.\n")
        terminal = self.terminal(YELLOW, "access", "replay", str(session.path), "--key", str(self.base.key))
        began = time.monotonic()
        self.assertEqual(terminal.wait(), 0)
        self.assertGreater(time.monotonic() - began, 0.9)
        self.assertIn(b"\x1b[31mred", session.shown)
        self.assertTrue(terminal.shown.startswith(session.shown.replace(b"\n", b"\r\n")), (session.shown, terminal.shown))

    def test_as_fast_as_it_is_wanted(self):
        session = self.recorded()
        for options, at_most in ((["--speed", "10"], 0.7), (["--idle", "0.1"], 0.7), (["--from", "0.9"], 0.7)):
            terminal = self.terminal(YELLOW, "access", "replay", str(session.path), "--key", str(self.base.key), *options)
            began = time.monotonic()
            self.assertEqual(terminal.wait(), 0)
            self.assertLess(time.monotonic() - began, at_most, options)
            self.assertIn(b"red", terminal.shown)
            self.assertIn(b"later", terminal.shown)
        self.assertEqual(self.base.replay(session.path, "--from", "0.5").stdout, "later\n^G")

    def test_a_cast_is_for_every_player(self):
        session = self.recorded()
        lines = self.base.replay(session.path, "--cast").stdout.splitlines()
        self.assertTrue(lines[0].startswith('{"version": 2, "width": 80, "height": 24, "timestamp": '), lines[0])
        self.assertTrue(all(re.match(r'\[\d+\.\d{6}, "[oirnb]", "', line) for line in lines[1:]), lines)
        self.assertNotIn("\x1b", "".join(lines))

    def test_one_that_is_cut_or_changed_says_so(self):
        session = self.recorded()
        content = session.path.read_bytes()
        for name, bytes_, state, why in (("cut", content[:-10], "cut", "its end is missing"), ("changed", content[:-80] + b"x" + content[-79:], "changed", "was changed")):
            path = self.base.root / name
            path.write_bytes(bytes_)
            for options in ([], ["--cast"]):
                done = self.base.replay(path, *options)
                self.assertEqual(done.returncode, 1)
                self.assertIn("red", done.stdout)
                self.assertIn(why, done.stderr)
            recording = self.base.recording(path)
            self.assertEqual((recording["state"], recording["reason"]["code"]), (state, state))

    def test_what_is_no_recording_or_not_for_this_key(self):
        session = self.recorded()
        other = Base()
        self.addCleanup(other.close)
        for path, key, why in ((session.path, other.key, "is not sealed to this key"), (self.base.key, self.base.key, "is no recording"),
                               (session.path, session.path, "holds no private key"), ("/no/such", self.base.key, "cannot read /no/such")):
            done = self.base.replay(path, key=key)
            self.assertEqual((done.returncode, done.stdout), (3, ""), done)
            self.assertIn(why, done.stderr)
        again = subprocess.run([YELLOW, "access", "keygen", str(self.base.key)], capture_output=True, text=True)
        self.assertEqual(again.returncode, 3)
        self.assertIn("File exists", again.stderr)
        self.assertEqual(self.base.replay(session.path).returncode, 0)


if __name__ == "__main__":
    unittest.main()
