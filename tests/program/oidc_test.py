"""Access over TCP: whose token is good for whom, and every token that is not."""

import base64
import hashlib
import hmac
import http.client
import http.server
import json
import os
import socket
import threading
import time
import unittest

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from people import Office, wrong_clock

ALICE, BOB = "alice@example.com", "bob@example.com"
MINUTE = 60


def part(data):
    return base64.urlsafe_b64encode(data if isinstance(data, bytes) else json.dumps(data).encode()).rstrip(b"=").decode()


class RsaKey:
    algorithm = "RS256"

    def __init__(self, name, bits=2048):
        self.name, self.key = name, rsa.generate_private_key(65537, bits)

    @property
    def public(self):
        numbers = self.key.public_key().public_numbers()
        size = (numbers.n.bit_length() + 7) // 8
        return {"kty": "RSA", "kid": self.name, "use": "sig", "alg": "RS256", "n": part(numbers.n.to_bytes(size, "big")), "e": part(numbers.e.to_bytes(3, "big"))}


    def sign(self, text):
        return self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())


class CurveKey:
    algorithm = "ES256"

    def __init__(self, name):
        self.name, self.key = name, ec.generate_private_key(ec.SECP256R1())

    @property
    def public(self):
        numbers = self.key.public_key().public_numbers()
        return {"kty": "EC", "crv": "P-256", "kid": self.name, "x": part(numbers.x.to_bytes(32, "big")), "y": part(numbers.y.to_bytes(32, "big"))}

    def sign(self, text):
        r, s = utils.decode_dss_signature(self.key.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


class Issuer:
    """OpenID Connect Discovery on loopback. `broken` (path: status, headers, body) stands before what it would answer."""

    def __init__(self):
        self.keys, self.asked, self.broken = [], [], {}
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked.append(self.path)
                documents = {"/.well-known/openid-configuration": {"issuer": issuer.url, "jwks_uri": issuer.url + "/keys"},
                             "/keys": {"keys": [key if isinstance(key, dict) else key.public for key in issuer.keys]}}
                status, headers, body = issuer.broken.get(self.path) or (200, {}, json.dumps(documents.get(self.path)).encode())
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def fetched(self):
        return self.asked.count("/keys")

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@unittest.skipUnless(os.geteuid() == 0, "only root may act as several people")
class OidcTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.issuer = Issuer()
        cls.addClassCleanup(cls.issuer.close)
        cls.rsa, cls.curve, cls.stranger = RsaKey("rsa-1"), CurveKey("curve-1"), RsaKey("rsa-1")
        cls.office = Office()
        cls.addClassCleanup(cls.office.close)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            cls.port = probe.getsockname()[1]
        ecosystem = cls.office.root / "model/ecosystem.yaml"
        document = json.loads(ecosystem.read_text())
        for name, address in {"alice": ALICE, "bob": BOB}.items():
            document["people"][name]["identities"].append(f"oidc:{address}")
        ecosystem.write_text(json.dumps(document))
        environment = cls.office.root / "environments/local.yaml"
        settings = {"listen": f"127.0.0.1:{cls.port}", "issuer": cls.issuer.url, "audience": "yellow"}
        environment.write_text(environment.read_text() + f"access: {json.dumps(settings)}\n")
        done = cls.office.yellow("apply")
        assert done.status == 0, done
        cls.restart()

    @classmethod
    def restart(cls):
        """A service that knows no keys yet."""
        cls.office.stop_service()
        cls.office.start_service()

    def setUp(self):
        self.issuer.keys = [self.rsa, self.curve]
        self.issuer.broken = {}
        self.assertIsNone(self.office.service.poll())

    def tearDown(self):
        self.assertIsNone(self.office.service.poll(), "the service lives on")

    def claims(self, email=ALICE, **changes):
        now = int(time.time())
        claims = {"iss": self.issuer.url, "aud": "yellow", "sub": "7", "iat": now, "exp": now + 300, "email": email, "email_verified": True, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, key=None, header=None, signature=None, **claims):
        """A good one of alice's, but for what is named; None leaves it out."""
        key = key or self.rsa
        text = f"{part({'alg': key.algorithm, 'typ': 'JWT', 'kid': key.name, **(header or {})})}.{part(self.claims(**claims))}"
        return f"{text}.{part(key.sign(text.encode()) if signature is None else signature)}"

    def call(self, method, path, token=None, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, None if body is None else json.dumps(body),
                               {**({} if token is None else {"Authorization": f"Bearer {token}"}), **(headers or {})})
            answer = connection.getresponse()
            self.headers = answer.headers
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def accepted(self, token):
        status, answer = self.call("GET", "/v1/access/scopes", token)
        self.assertEqual(status, 200, answer)

    def refused(self, token, text, status=401):
        done, answer = self.call("GET", "/v1/access/scopes", token)
        self.assertEqual(done, status, answer)
        self.assertIn(text, answer["error"]["text"])
        self.assertEqual(self.headers["WWW-Authenticate"], "Bearer" if status == 401 else None)
        if token:
            self.assertNotIn(token, json.dumps(answer))

    # Good ones

    def test_from_the_request_to_its_end(self):
        wish = {"scope": "dt_write:MaskShop", "seconds": 3600, "ticket": "OPS-1", "why": "wrong names"}
        status, request = self.call("POST", "/v1/access/requests", self.token(), wish)
        self.assertEqual((status, request["person"], request["state"]), (200, "alice", "pending"), request)
        vote = {"content": request["content"]}
        path = f"/v1/access/requests/{request['id']}"
        status, answer = self.call("POST", f"{path}/approve", self.token(self.curve), vote)
        self.assertEqual((status, answer["error"]["code"]), (403, "own_request"))
        status, answer = self.call("POST", f"{path}/approve", self.token(self.curve, email=BOB), vote)
        self.assertEqual((status, answer["state"]), (200, "approved"), answer)
        status, answer = self.call("POST", f"{path}/activate", self.token())
        self.assertEqual((status, answer["state"]), (200, "active"), answer)
        # The same person by the local socket.
        self.assertEqual(self.office.did("alice", "release", request["id"])["state"], "released")
        self.assertEqual([person for person, _ in self.office.audit(request)][:4], ["alice", "bob", "alice", "alice"])

    def test_forms_of_a_good_one(self):
        for token in (self.token(), self.token(self.curve), self.token(aud=["other", "yellow"]), self.token(email_verified=None), self.token(exp=int(time.time()) - MINUTE + 20),
                      self.token(nbf=int(time.time()) + MINUTE - 20)):
            self.accepted(token)
        status, _ = self.call("GET", "/v1/access/scopes", headers={"authorization": f"bearer {self.token()}"})
        self.assertEqual(status, 200)

    def test_a_good_one_of_somebody_whom_the_model_does_not_know(self):
        for email in ("eve@example.com", ALICE.upper(), f"{ALICE}.example.org", "alice", "os:daemon"):
            self.refused(self.token(email=email), f"the model knows nobody as oidc:{email}", 403)

    # Not signed by the issuer

    def test_no_signature_and_a_shared_secret(self):
        for algorithm in ("none", "None", "NONE", "", None, 7):
            self.refused(self.token(header={"alg": algorithm}, signature=b""), "not signed with RS256 or ES256")
        public = self.rsa.key.public_key()
        for secret in (public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
                       public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo), json.dumps(self.rsa.public).encode()):
            text = f"{part({'alg': 'HS256', 'kid': self.rsa.name})}.{part(self.claims())}"
            self.refused(f"{text}.{part(hmac.digest(secret, text.encode(), hashlib.sha256))}", "not signed with RS256 or ES256")

    def test_another_key(self):
        self.accepted(self.token())
        self.refused(self.token(self.stranger), "the signature of the token is not good")
        self.refused(self.token(self.stranger, header={"jwk": self.stranger.public, "jku": f"{self.issuer.url}/keys"}), "the signature of the token is not good")
        for signature in (b"", b"\0", b"\0" * 64, b"\0" * 256, b"\xff" * 256, b"x" * 5000):
            self.refused(self.token(signature=signature), "the signature of the token is not good")
            self.refused(self.token(self.curve, signature=signature), "the signature of the token is not good")

    def test_another_algorithm_than_the_key_s(self):
        self.accepted(self.token())
        self.refused(self.token(header={"alg": "ES256"}), "the signature of the token is not good")
        self.refused(self.token(self.curve, header={"alg": "RS256"}), "the signature of the token is not good")
        # In the encoding of X.509, not of tokens.
        text = f"{part({'alg': 'ES256', 'kid': self.curve.name})}.{part(self.claims())}"
        self.refused(f"{text}.{part(self.curve.key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))}", "the signature of the token is not good")

    def test_changed_after_it_was_signed(self):
        head, claims, signature = self.token().split(".")
        self.accepted(f"{head}.{claims}.{signature}")
        for forged in (f"{head}.{part(self.claims(email=BOB))}.{signature}", f"{part({'alg': 'RS256', 'kid': 'rsa-1', 'typ': 'JWS'})}.{claims}.{signature}"):
            self.refused(forged, "the signature of the token is not good")

    def test_keys_that_are_none(self):
        weak, other = RsaKey("weak", 1024), RsaKey("for-encryption")
        off_curve = {**CurveKey("off-curve").public, "y": part(b"\1" * 32)}
        twice = RsaKey("twice")
        self.issuer.keys += [weak, {**other.public, "use": "enc"}, off_curve, {"kty": "oct", "kid": "oct", "k": part(b"secret")}, {}, {"kid": 7}, twice, RsaKey("twice")]
        self.restart()
        self.accepted(self.token())
        for key in (weak, other, twice):
            self.refused(self.token(key), "the issuer has no such key")
        for name in ("off-curve", "oct"):
            self.refused(self.token(header={"kid": name}), "the issuer has no such key")

    # Not for us, not now, of nobody

    def test_of_another_issuer_and_for_another_audience(self):
        for issuer in (self.issuer.url + "/", "https://login.example.com", None, [self.issuer.url]):
            self.refused(self.token(iss=issuer), "the token is of another issuer")
        for audience in ("Yellow", "", [], ["other"], None, {"yellow": 1}):
            self.refused(self.token(aud=audience), "the token is for another audience")

    def test_of_another_time(self):
        now = int(time.time())
        for expired in (now - MINUTE - 5, 0, -1):
            self.refused(self.token(exp=expired), "the token has expired")
        for never in (None, "never", 1e300):
            self.refused(self.token(exp=never), "the token does not say when it ends")
        for claim in ("nbf", "iat"):
            self.refused(self.token(**{claim: now + MINUTE + 20}), "the token is not valid yet")

    def test_a_clock_that_is_wrong_by_an_hour(self):
        """The database's decides."""
        self.addCleanup(self.restart)
        for by in ("-1h", "+1h"):
            self.office.stop_service()
            self.office.start_service(wrong_clock(by))
            self.accepted(self.token())
            self.refused(self.token(exp=int(time.time()) - 1800), "has expired")
            self.refused(self.token(nbf=int(time.time()) + 1800), "not valid yet")

    def test_no_address(self):
        for email in (None, "", 7, [ALICE], {"address": ALICE}, f"{ALICE} ", f"{ALICE}\n", "a" * 300):
            self.refused(self.token(email=email), "the token holds no address in its claim email")
        for verified in (False, "false", 0, "no"):
            self.refused(self.token(email_verified=verified), "the issuer has not verified the address of the token")

    # Where it stands, and what is none

    def test_only_the_header_counts(self):
        token = self.token()
        for path, headers in ((f"/v1/access/scopes?access_token={token}", {}), ("/v1/access/scopes", {"Cookie": f"access_token={token}"}), ("/v1/access/scopes", {"X-Token": token}),
                              ("/v1/access/scopes", {"Authorization": f"Basic {token}"}), ("/v1/access/scopes", {"Authorization": token}),
                              ("/v1/access/scopes", {"Authorization": "Bearer "}), ("/v1/access/scopes", {"Yellow-Identity": "os:daemon"})):
            status, answer = self.call("GET", path, headers=headers)
            self.assertEqual((status, answer["error"]["text"]), (401, "the call shows no token"), headers)
        status, answer = self.call("POST", "/v1/access/requests", body={"access_token": token, "identity": "os:daemon"})
        self.assertEqual(status, 401)
        self.assertEqual(self.raw(f"GET /v1/access/scopes HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nAuthorization: Bearer {token}\r\n").split()[1], "401")

    def raw(self, text):
        with socket.create_connection(("127.0.0.1", self.port), 20) as connection:
            connection.sendall(text.encode("latin-1") + b"Connection: close\r\n\r\n")
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
            return answer.decode("latin-1")

    def test_garbage(self):
        for token in ("x", ".", "..", "...", "a.b.c", "e30.e30.", "e30.e30.e30", "\xff\xfe", "null.null.null", part(b"[" * 3000) + ".e30.e30", self.token() + "=", self.token() + ".e30",
                      self.token().replace(".", ". "), " " + self.token()[:-1]):
            status, answer = self.call("GET", "/v1/access/scopes", headers={"Authorization": b"Bearer " + token.encode("latin-1")})
            self.assertEqual(status, 401, (token, answer))
        self.refused("a" * 8001, "the token is longer than 8000 bytes")
        for size in (9_000, 1_000_000):
            try:
                answer = self.raw(f"GET /v1/access/scopes HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {'a' * size}\r\n")
                self.assertNotIn(" 200 ", answer[:20])
            except OSError:
                pass    # it has not read to the end
        self.assertIn(" 404 ", self.raw(f"GET /v1/access/{'a' * 8000} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {self.token()}\r\n")[:20])
        self.assertEqual(self.raw("\0\xff\r\n")[:12].split()[-1:], ["400"])
        self.accepted(self.token())

    def test_what_is_no_call(self):
        token = self.token()
        for method, path, status in (("GET", "/", 404), ("GET", "/v1/access/nothing", 404), ("PUT", "/v1/access/requests", 404), ("DELETE", "/v1/access/requests", 404)):
            done, answer = self.call(method, path, token)
            self.assertEqual((done, sorted(answer["error"])), (status, ["code", "remedy", "text"]), (method, path))
        done, answer = self.call("POST", "/v1/access/requests", token, {"scope": "x" * 70_000})
        self.assertEqual(done, 413)

    def test_no_sessions(self):
        request = self.office.active(ticket="OPS-2")
        for headers in ({}, {"Connection": "Upgrade", "Upgrade": "yellow-terminal"}):
            status, answer = self.call("POST", f"/v1/access/requests/{request['id']}/session", self.token(), {"term": "xterm", "columns": 80, "rows": 24}, headers)
            self.assertEqual((status, answer["error"]["code"]), (403, "session"))
            self.assertIn("on the machine of the service only", answer["error"]["text"])
        self.assertEqual(self.office.facts(request), [])

    # The issuer's keys

    def test_new_keys_are_found_and_old_ones_go(self):
        self.addCleanup(self.restart)
        self.restart()
        self.accepted(self.token())
        fetched = self.issuer.fetched()
        self.accepted(self.token())
        self.assertEqual(self.issuer.fetched(), fetched, "they are kept")
        new, newer = RsaKey("rsa-2"), RsaKey("rsa-3")
        self.issuer.keys = [new]
        self.accepted(self.token(new))
        self.refused(self.token(), "the issuer has no such key")
        self.issuer.keys = [new, newer]
        for name in ("x", "y", "z"):
            self.refused(self.token(header={"kid": name}), "the issuer has no such key")
        self.refused(self.token(newer), "the issuer has no such key")
        self.assertEqual(self.issuer.fetched(), fetched + 1, "names that are made up do not have it asked again and again")

    def test_the_issuer_is_down(self):
        cannot = "the keys of the issuer cannot be had: "
        configuration = "/.well-known/openid-configuration"
        elsewhere = {"Location": f"{self.issuer.url}/keys"}
        evil = json.dumps({"issuer": "https://login.example.com", "jwks_uri": self.issuer.url + "/keys"}).encode()
        plain = json.dumps({"issuer": self.issuer.url, "jwks_uri": "http://login.example.com/keys"}).encode()
        file = json.dumps({"issuer": self.issuer.url, "jwks_uri": "file:///etc/passwd"}).encode()
        for broken, why in (({configuration: (500, {}, b"")}, "it has answered with status 500"), ({configuration: (302, elsewhere, b"")}, "it has answered with status 302"),
                            ({configuration: (200, {}, evil)}, "its configuration is not one of this issuer"), ({configuration: (200, {}, b"<html>")}, "its configuration is not one"),
                            ({configuration: (200, {}, plain)}, "its jwks_uri is not good"), ({configuration: (200, {}, file)}, "its jwks_uri is not good"),
                            ({"/keys": (404, {}, b"")}, "it has answered with status 404"), ({"/keys": (302, elsewhere, b"")}, "it has answered with status 302"),
                            ({"/keys": (200, {}, b"{}")}, "is no set of keys"), ({"/keys": (200, {}, b" " * (1 << 20) + b"{}")}, "longer than a MiB")):
            with self.subTest(why):
                self.restart()
                self.issuer.broken = broken
                self.refused(self.token(), cannot + ("what is at its jwks_uri " if why.startswith("is no") else "its answer is " if why.startswith("longer") else "") + why, 503)
                asked = len(self.issuer.asked)
                self.refused(self.token(), cannot, 503)
                self.assertEqual(len(self.issuer.asked), asked, "it is left alone for a while")
        self.assertEqual(self.office.access("alice", "scopes").status, 0, "the local socket needs no issuer")
        self.issuer.broken = {}
        until = time.monotonic() + 20
        while self.call("GET", "/v1/access/scopes", self.token())[0] != 200:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.2)
        self.issuer.broken = {configuration: (500, {}, b"")}
        self.accepted(self.token())

    def test_two_services_at_one_port(self):
        done = self.office.yellow("serve", "--socket", str(self.office.base / "other.sock"))
        self.assertEqual(done.status, 3, done)
        self.assertIn(f"cannot listen at 127.0.0.1:{self.port}", done.err)

    def test_tokens_are_in_no_log(self):
        token = self.token()
        self.accepted(token)
        self.call("GET", f"/v1/access/scopes?access_token={token}")
        self.assertNotIn(token.rsplit(".", 1)[1], (self.office.base / "serve.log").read_text())


if __name__ == "__main__":
    unittest.main(verbosity=2)
