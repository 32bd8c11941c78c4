"""The cluster's own certificates: one authority for the API, another for etcd, so that who may use the API may not therefore read its database."""

import base64
import json
import pathlib
import subprocess

from programs import Failure

DAYS = "30"


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"openssl {arguments[0]}: {done.stderr.strip()}")


class Certificates:
    """Key and certificate lie in one folder as NAME.key and NAME.crt; what is there already is left."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def key(self, name):
        return self.folder / f"{name}.key"

    def certificate(self, name):
        return self.folder / f"{name}.crt"

    def make(self, name, subject, *extra):
        if not self.certificate(name).exists():
            openssl(
                *["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", DAYS, "-subj", subject],
                *["-keyout", self.key(name), "-out", self.certificate(name), *extra],
            )

    def authority(self, name):
        self.make(name, f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, name, authority, subject, hosts=()):
        """For a client, and for a server at these names (DNS:…, IP:…) if there are any."""
        extensions = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", f"extendedKeyUsage=clientAuth{',serverAuth' if hosts else ''}"]
        if hosts:
            extensions.append(f"subjectAltName={','.join(hosts)}")
        added = [part for extension in extensions for part in ("-addext", extension)]
        self.make(name, subject, "-CA", self.certificate(authority), "-CAkey", self.key(authority), *added)

    def signing_key(self, name):
        """A pair without a certificate, for the tokens of service accounts."""
        if not (self.folder / f"{name}.pub").exists():
            openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.key(name))
            openssl("pkey", "-in", self.key(name), "-pubout", "-out", self.folder / f"{name}.pub")

    def kubeconfig(self, path, server, authority, name):
        """Writes a kubeconfig for the holder of that certificate; JSON is YAML."""
        text = {file: base64.b64encode(file.read_bytes()).decode() for file in (self.certificate(authority), self.certificate(name), self.key(name))}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "yellow",
            "contexts": [{"name": "yellow", "context": {"cluster": "yellow", "user": name}}],
            "clusters": [{"name": "yellow", "cluster": {"server": server, "certificate-authority-data": text[self.certificate(authority)]}}],
            "users": [{"name": name, "user": {"client-certificate-data": text[self.certificate(name)], "client-key-data": text[self.key(name)]}}],
        }
        path = pathlib.Path(path)
        path.touch(mode=0o600)
        path.write_text(json.dumps(config, indent=1) + "\n")
