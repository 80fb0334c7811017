"""The reverse proxy as it is deployed, on loopback, before a service that runs."""

import datetime as dt
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.journeys.browsing import program
from tests.running import free_port, until

FILL = Path(__file__).parents[2] / "deploy" / "proxy" / "fill.sh"
NAME = "localhost"


@dataclass(frozen=True, slots=True)
class Proxy:
    port: int
    redirect: int
    tls: ssl.SSLContext

    @property
    def address(self) -> str:
        return f"https://{NAME}:{self.port}"


@contextmanager
def proxy(upstream: str) -> Iterator[Proxy]:
    """The deployed configuration with its addresses and its certificates put in, before the service at `upstream`."""
    nginx = program("nginx", "nginx-light")
    with tempfile.TemporaryDirectory(prefix="hat-proxy-") as root:
        folder = Path(root)
        folder.chmod(0o755)
        tls = certificate(folder)
        port, redirect = free_port(), free_port()
        configuration = folder / "nginx.conf"
        configuration.write_text(filled(folder, port, redirect, upstream.removeprefix("http://")), "utf-8")
        running = subprocess.Popen([nginx, "-c", str(configuration), "-e", str(folder / "log"), "-g", "daemon off;"])
        try:
            until(lambda: (folder / "nginx.pid").exists(), 20, "nginx does not start")
            yield Proxy(port, redirect, tls)
        finally:
            running.terminate()
            running.wait(20)


def filled(folder: Path, port: int, redirect: int, *upstreams: str) -> str:
    """What the script that operators run makes of the configuration."""
    environment = {"HAT_LISTEN": f"127.0.0.1:{port}", "HAT_REDIRECT": f"127.0.0.1:{redirect}", "HAT_RUN": str(folder)}
    command = [str(FILL), NAME, str(folder), *upstreams]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def certificate(folder: Path) -> ssl.SSLContext:
    """A certificate for loopback, and a context that trusts nothing but it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    (folder / "key.pem").write_bytes(private)
    (folder / "key.pem").chmod(0o600)
    return ssl.create_default_context(cafile=str(folder / "certificate.pem"))
