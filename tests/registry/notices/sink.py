"""A mail server on loopback for tests: it speaks SMTP, with STARTTLS or TLS and a sign-in if wanted, and keeps what it is given."""

import base64
import socketserver
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from threading import Event, Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"


@dataclass
class Sink:
    """What came, and how the server behaves: `refusing` holds addresses with the code that they get."""

    port: int = 0
    tls: str = "none"
    user: str = ""
    password: str = ""
    refusing: dict[str, int] = field(default_factory=dict)
    came: list[tuple[str, str, bytes]] = field(default_factory=list)
    signed_in: int = 0
    drop_after_data: bool = False
    dumb: bool = False
    """It takes a letter and then says nothing, until whoever sends it is gone."""
    took: Event = field(default_factory=Event)
    context: ssl.SSLContext | None = None


class _Speaker(socketserver.StreamRequestHandler):
    server: "_Server"

    def handle(self) -> None:
        sink = self.server.sink
        if sink.tls == "tls":
            self._encrypt()
        self._say("220 sink")
        self.sender, self.to = "", ""
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            if not self._answer(sink, line):
                return

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())

    def _encrypt(self) -> None:
        assert self.server.sink.context is not None
        try:
            self.request = self.server.sink.context.wrap_socket(self.request, server_side=True)
        except ssl.SSLError:  # whoever called does not trust this server
            raise ConnectionError from None
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)

    def _answer(self, sink: Sink, line: str) -> bool:
        verb = line.split(" ")[0].upper()
        if verb in ("EHLO", "HELO"):
            offers = ["sink", *(["STARTTLS"] if sink.tls == "starttls" else []), *(["AUTH PLAIN"] if sink.user else [])]
            for place, offer in enumerate(offers):
                self._say(f"250{' ' if place == len(offers) - 1 else '-'}{offer}")
        elif verb == "STARTTLS":
            self._say("220 go on")
            self._encrypt()
        elif verb == "AUTH":
            given = base64.b64decode(line.split(" ")[2]).decode()
            right = given == f"\0{sink.user}\0{sink.password}"
            sink.signed_in += right
            self._say("235 in" if right else "535 no")
        elif verb == "MAIL":
            self.sender = line
            self._say("250 ok")
        elif verb == "RCPT":
            self.to = line.partition("<")[2].partition(">")[0]
            self._say(f"{sink.refusing.get(self.to, 250)} rcpt")
        elif verb == "DATA":
            return self._take(sink)
        else:
            self._say("221 bye" if verb == "QUIT" else "250 ok")
        return verb != "QUIT"

    def _take(self, sink: Sink) -> bool:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line)
        sink.came.append((self.sender, self.to, b"".join(lines)))
        sink.took.set()
        if sink.drop_after_data:
            return False
        if sink.dumb:
            self.rfile.read()
            return False
        self._say("250 taken")
        return True


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, sink: Sink) -> None:
        super().__init__((HOST, 0), _Speaker)
        self.sink = sink
        sink.port = self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is nothing to tell of."""


@contextmanager
def listening(sink: Sink) -> Iterator[Sink]:
    """The server at work, as long as the block lasts."""
    with _Server(sink) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's context with a certificate of its own making for this host, and the file by which it can be trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    trusted, secret = folder / "ca.pem", folder / "server.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(secret)
    return context, trusted
