"""A mail server on this machine that a test makes refuse, fall silent or go away, and a CA of the test's own."""

import asyncio
import datetime
import email
import email.policy
import ipaddress
import logging
import socket
import ssl
import warnings

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

# What it says of clients that go away is what the tests are about.
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
warnings.filterwarnings("ignore", module="aiosmtpd")
# Who connects there reaches the loopback of Linux, and Yellow knows it for no address of this machine: it is as any other server.
ELSEWHERE = "0.0.0.0"


def made_certificate(folder, name, address=ELSEWHERE):
    """The path of a CA's certificate, and the context of a server whose certificate is of that CA for `address`."""
    now = datetime.datetime.utcnow()

    def certificate(subject, key, issuer, signer, extension):
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1)).add_extension(extension, critical=True)
                .sign(signer, hashes.SHA256()))

    def named(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = certificate(named(name), ca_key, named(name), ca_key, x509.BasicConstraints(ca=True, path_length=None))
    own = certificate(named("mail"), key, named(name), ca_key, x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]))
    ca_path, chain = folder / f"{name}.pem", folder / f"{name}-server.pem"
    ca_path.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    chain.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()) + own.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return ca_path, context


class MailServer:
    """On loopback; `host` is how Yellow names it. REQUIRES: ended with `close`. `mails`: (envelope's recipient, text, whether it came by TLS, who was logged in) of each that was taken.
    `says`: what is answered at RCPT (by address) or DATA instead of 250. `at`: where it does what `does` says: "silent" or "cut"."""

    def __init__(self, host="127.0.0.1", starttls=None, smtps=None, login=None):
        self.mails, self.says, self.at, self.does, self.commands, self.tried = [], {}, None, None, [], []
        mails = self

        class Session(SMTP):
            async def _call_handler_hook(self, command, *arguments):
                mails.commands.append(command)
                return await super()._call_handler_hook(command, *arguments)

            async def smtp_DATA(self, argument):
                if mails.at == "DATA" and mails.does == "cut":
                    await self.push("354 go on")
                    self.transport.abort()
                    return
                await super().smtp_DATA(argument)

            async def smtp_QUIT(self, argument):
                await mails.misbehave("QUIT", self)
                await super().smtp_QUIT(argument)

        class Handler:
            async def handle_EHLO(self, server, session, envelope, hostname, responses):
                session.host_name = hostname
                await mails.misbehave("EHLO", server)
                return responses

            async def handle_RCPT(self, server, session, envelope, address, options):
                await mails.misbehave("RCPT", server)
                if address in mails.says:
                    return mails.says[address]
                envelope.rcpt_tos.append(address)
                return "250 OK"

            async def handle_DATA(self, server, session, envelope):
                if "DATA" in mails.says:
                    return mails.says["DATA"]
                mails.mails.append((envelope.rcpt_tos[0], envelope.content, session.ssl is not None or smtps is not None, session.auth_data))
                await mails.misbehave("taken", server)
                return "250 taken"

        def authenticate(server, session, envelope, mechanism, data):
            mails.tried.append((data.login.decode(), data.password.decode()))
            return AuthResult(success=mails.tried[-1] == login, handled=False, auth_data=data.login.decode())

        class Listener(Controller):
            def factory(self):
                return Session(self.handler, hostname="mail.test", tls_context=starttls, require_starttls=starttls is not None,
                               authenticator=authenticate if login else None, auth_required=login is not None,
                               auth_require_tls=starttls is not None)

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.controller = Listener(Handler(), hostname="127.0.0.1", port=self.port, ssl_context=smtps)
        if smtps is not None:   # its own first connection does not know the CA
            self.controller._trigger_server = self.greet
        self.controller.start()
        self.address = f"{'smtps' if smtps else 'smtp'}://{host}:{self.port}"

    def greet(self):
        with socket.create_connection(("127.0.0.1", self.port), 10) as plain, ssl._create_unverified_context().wrap_socket(plain) as secure:
            secure.recv(100)

    async def misbehave(self, where, server):
        if self.at != where:
            return
        if self.does == "cut":
            server.transport.abort()
        else:
            await asyncio.sleep(60)

    def read(self):
        """What was taken, as mail programs read it."""
        return [email.message_from_bytes(text, policy=email.policy.default) for _, text, _, _ in self.mails]

    def close(self):
        self.at = None
        self.controller.stop(no_assert=True)
