"""A proxy with TLS in front of the site in this process, whose headers a test can spoil."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.wsgi import get_wsgi_application

# What the proxy does to the environment of a request.
type Change = Callable[[dict[str, Any]], None]


def as_nginx(environ: dict[str, Any]) -> None:
    """Set the headers that deploy/nginx.conf sets."""
    environ["HTTP_X_FORWARDED_FOR"] = environ["REMOTE_ADDR"]
    environ["HTTP_X_FORWARDED_PROTO"] = "https"


class Front:
    """The proxy. A test replaces `change`."""

    def __init__(self) -> None:
        self.change: Change = as_nginx
        self.application = get_wsgi_application()
        # Instead of the site, if a test sets it.
        self.status = ""

    def __call__(self, environ: dict[str, Any], start: Any) -> Any:
        if self.status:
            start(self.status, [("Content-Length", "0")])
            return [b""]
        self.change(environ)
        return self.application(environ, start)


class _Silent(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def running(certificate: Path) -> Iterator[tuple[Front, int]]:
    """Run the proxy for the block; give it and its port."""
    front = Front()
    server = make_server("127.0.0.1", 0, front, handler_class=_Silent)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield front, server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def write_certificate(path: Path, *, days: int, host: str = "127.0.0.1") -> None:
    """Write a key, and a certificate for an IP address that is its own authority and ends in some days."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Asusu tests")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=100))
        # Half a day more, so that the number of whole days does not depend on the second.
        .not_valid_after(now + datetime.timedelta(days=days, hours=12))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
