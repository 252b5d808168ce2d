"""nginx and HAProxy with the configurations of deploy/, in front of the service."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.settings import Settings
from tests.support.certificates import HOST, make_certificate
from tests.support.serving import ROOT, Served, serve

READY_WITHIN = 20.0
NGINX = """
daemon off; pid {folder}/nginx.pid; error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/x; uwsgi_temp_path {folder}/y; scgi_temp_path {folder}/z;
    include {folder}/locker.conf;
}}
"""


@dataclass(frozen=True)
class Proxy:
    """A proxy, and the service behind it."""

    name: str
    port: int
    certificate: Path
    served: Served

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)

    @contextmanager
    def connected(self) -> Iterator[ssl.SSLSocket]:
        """Connect, speaking HTTP/1.1."""
        with (
            socket.create_connection(("127.0.0.1", self.port), 20) as plain,
            self.context().wrap_socket(plain, server_hostname=HOST) as secure,
        ):
            yield secure


@pytest.fixture(params=["nginx", "haproxy"], scope="module")
def proxy(
    request: pytest.FixtureRequest, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    name: str = request.param
    program = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if program is None or shutil.which("openssl") is None:
        pytest.skip(f"{name} or openssl is not installed")
    folder = tmp_path_factory.mktemp(name)
    make_certificate(folder)
    with (
        serve(settings, allowed_hosts=(HOST,), secure_cookies=True, trusted_proxies=1) as served,
        running(name, program, folder, served) as port,
    ):
        yield Proxy(name, port, folder / "shop.example.crt", served)


def free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]


def prepare(text: str, folder: Path, served: Served, plain: int, secure: int) -> str:
    """Return a configuration as it is but for ports and paths; each must be there to replace."""
    for pattern, replacement in (
        (r"(listen|bind :)(\s*)\b80\b", rf"\g<1>\g<2>{plain}"),
        (r"(listen|bind :)(\s*)\b443\b", rf"\g<1>\g<2>{secure}"),
        (r"127\.0\.0\.1:8000", f"127.0.0.1:{served.port}"),
        (r"/etc/ssl/", f"{folder}/"),
    ):
        text, times = re.subn(pattern, replacement, text)
        assert times, pattern
    # Not every machine has IPv6.
    return re.sub(r"^ *listen \[::\].*\n", "", text, flags=re.MULTILINE)


@contextmanager
def running(name: str, program: str, folder: Path, served: Served) -> Iterator[int]:
    """Run the proxy until the block ends; yields its port for TLS."""
    plain, secure = free_ports()
    if name == "nginx":
        given = (ROOT / "deploy/nginx/locker.conf").read_text()
        (folder / "locker.conf").write_text(prepare(given, folder, served, plain, secure))
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
        command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    else:
        given = (ROOT / "deploy/haproxy/haproxy.cfg").read_text()
        path = folder / "haproxy.cfg"
        path.write_text(prepare(given, folder, served, plain, secure))
        command = [program, "-db", "-f", str(path)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        await_port(secure, process, folder / "log")
        yield secure
    finally:
        process.terminate()
        process.wait(20)


def await_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"not served\n{log.read_text(errors='replace')}")
