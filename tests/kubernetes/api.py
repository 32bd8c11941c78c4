"""The cluster's API as a test and the cluster's own script speak it: JSON over TLS, with the certificate of a kubeconfig."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import ssl
import tempfile
import time
import urllib.parse


class Refused(Exception):
    """The API's answer when it is not what was asked for."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:500]}")
        self.status = status
        self.body = body


class Api:
    def __init__(self, kubeconfig):
        config = json.loads(pathlib.Path(kubeconfig).read_text())
        self.address = urllib.parse.urlsplit(config["clusters"][0]["cluster"]["server"]).netloc
        user = config["users"][0]["user"]
        self.context = ssl.create_default_context(cadata=base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"]).decode())
        with tempfile.NamedTemporaryFile(delete=False) as file:     # of mode 0600; the library reads certificates from files only
            file.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
        try:
            self.context.load_cert_chain(file.name)
        finally:
            os.unlink(file.name)

    def text(self, method, path, body=None, content="application/json"):
        connection = http.client.HTTPSConnection(self.address, context=self.context, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": content, "Accept": "application/json, */*"})
            answer = connection.getresponse()
            said = answer.read().decode(errors="replace")
        if answer.status >= 300:
            raise Refused(answer.status, said)
        return said

    def get(self, path):
        return json.loads(self.text("GET", path))

    def create(self, path, body):
        return json.loads(self.text("POST", path, body))

    def change(self, path, body):
        return json.loads(self.text("PATCH", path, body, "application/merge-patch+json"))

    def delete(self, path):
        """In the background, so that what belongs to the object goes too."""
        return json.loads(self.text("DELETE", path, {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"}))

    def answers(self, path):
        try:
            self.text("GET", path)
            return True
        except (OSError, http.client.HTTPException, Refused):
            return False


def wait(what, ready, seconds=60):
    """Until ready() gives something that is true, which is handed back."""
    until = time.monotonic() + seconds
    while True:
        found = ready()
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.1)
