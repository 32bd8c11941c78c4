"""A proxy before the API server that misbehaves as such servers do, at random: it says 429, 500, 503, 410, loses answers of what it has done, cuts what is followed, and is slow."""

import base64
import collections
import http.client
import http.server
import json
import random
import ssl
import threading
import time

MISDEEDS = ("too_many", "broken", "unavailable", "lost", "slow", "cut", "gone")


class RoughApi:
    """REQUIRES: ended with `close`. `did`: how often it did what. `calm`: it passes on everything from now on. `late`: what is asked of paths with this in it is answered two seconds later."""

    def __init__(self, namespace, seed, chance=0.2):
        self.seed, self.chance, self.calm, self.late = seed, chance, False, None
        self.random = random.Random(seed)
        self.did = collections.Counter()
        self.lock = threading.Lock()
        address = namespace.api.address

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(handler, status, body, headers=()):
                handler.send_response(status)
                for name, value in headers:
                    handler.send_header(name, value)
                handler.send_header("Content-Length", str(len(body)))
                handler.end_headers()
                handler.wfile.write(body)

            def status(handler, status, reason, headers=()):
                handler.answer(status, json.dumps({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": f"rough: {reason}", "code": status}).encode(), headers)

            def handle_any(handler):
                body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
                follows = "watch=true" in handler.path or "follow=true" in handler.path
                if self.late and self.late in handler.path:
                    time.sleep(2)
                misdeed = self.choose(follows)
                if misdeed == "slow":
                    time.sleep(0.5)
                if misdeed == "too_many":
                    return handler.status(429, "TooManyRequests", [("Retry-After", "1")])
                if misdeed == "broken":
                    return handler.status(500, "InternalError")
                if misdeed == "unavailable":
                    return handler.status(503, "ServiceUnavailable")
                if misdeed == "gone":
                    return handler.status(410, "Expired")
                # The administrator's certificate must not count, or the account's rights would not be tested: the token alone says who asks.
                connection = http.client.HTTPSConnection(address, context=self.plain, timeout=300)
                try:
                    headers = {name: value for name, value in handler.headers.items() if name.lower() not in ("host", "content-length")}
                    connection.request(handler.command, handler.path, body or None, headers)
                    answer = connection.getresponse()
                    if misdeed == "lost":
                        answer.read()
                        handler.close_connection = True
                        return None
                    if not follows:
                        text = answer.read()
                        return handler.answer(answer.status, text, [("Content-Type", answer.getheader("Content-Type", ""))])
                    handler.send_response(answer.status)
                    handler.send_header("Transfer-Encoding", "chunked")
                    handler.end_headers()
                    left = self.random.randint(1, 4) if misdeed == "cut" else 1 << 30
                    while left > 0:
                        part = answer.read1(65536)
                        if not part:
                            handler.wfile.write(b"0\r\n\r\n")
                            return None
                        left -= 1
                        if left == 0:
                            part = part[:len(part) // 2]
                        handler.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                        handler.wfile.flush()
                    handler.close_connection = True
                except OSError:
                    handler.close_connection = True
                finally:
                    connection.close()
                return None

            do_GET = do_POST = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        config = json.loads(namespace.kubeconfig.read_text())
        self.plain = ssl.create_default_context(cadata=base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode())
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{self.server.server_address[1]}"}
        self.kubeconfig = namespace.kubeconfig.with_name("kubeconfig-rough")
        self.kubeconfig.write_text(json.dumps(config))
        self.kubeconfig.chmod(0o600)

    def choose(self, follows):
        with self.lock:
            if self.calm or self.random.random() > (3 * self.chance if follows else self.chance):
                return None
            misdeed = self.random.choice(["cut", "gone", "broken"] if follows else [one for one in MISDEEDS if one not in ("cut", "gone")])
            self.did[misdeed] += 1
            return misdeed

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.kubeconfig.unlink(missing_ok=True)
