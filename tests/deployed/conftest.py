"""The image and the compose file as they are, with a Docker engine, where there is one."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx
import pytest

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy/compose"
UP_WITHIN = 550


def run(
    *command: str,
    check: bool = True,
    cwd: Path = ROOT,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return what the command prints; raises `AssertionError` with all it said where it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=UP_WITHIN,
    )
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="session")
def image() -> str:
    """The image of this checkout; `LOCKER_TEST_IMAGE` names one that is there already."""
    if not shutil.which("docker"):
        pytest.skip("docker is not installed")
    for command in (("docker", "info"), ("docker", "compose", "version")):
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip(f"`{' '.join(command)}` fails: no engine is running, or no compose")
    if name := os.environ.get("LOCKER_TEST_IMAGE"):
        return name
    run("docker", "build", "--quiet", "--tag", "locker-test", ".")
    return "locker-test"


@dataclass(frozen=True)
class Shop:
    """The shop of the compose file, which runs, in a project of its own."""

    url: str
    trust: ssl.SSLContext
    environ: dict[str, str]

    def client(self, *, http2: bool = False) -> httpx.Client:
        """Return somebody who comes by TLS, to the name in the certificate."""
        return httpx.Client(base_url=self.url, verify=self.trust, http2=http2, timeout=20)

    def compose(self, *arguments: str, check: bool = True) -> str:
        return run("docker", "compose", *arguments, check=check, cwd=COMPOSE, environ=self.environ)

    def replicas(self) -> set[str]:
        return set(self.compose("ps", "--quiet", "locker").split())


@pytest.fixture(scope="module")
def shop(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """`docker compose up`, and everything gone at the end, volumes included."""
    with socket.create_server(("", 0)) as one, socket.create_server(("", 0)) as two:
        plain, secure = one.getsockname()[1], two.getsockname()[1]
    shop = Shop(
        f"https://localhost:{secure}",
        ssl.create_default_context(),
        {
            "COMPOSE_PROJECT_NAME": "locker-test",
            "SHOP_IMAGE": image,
            "HTTP_PORT": str(plain),
            "HTTPS_PORT": str(secure),
            # All of the test comes from one address.
            "MAX_CONNECTIONS": "1000",
            "MAX_REQUESTS": "100000",
        },
    )
    shop.compose("down", "--volumes", "--remove-orphans")
    try:
        shop.compose("up", "--detach", "--no-build")
        certificate = tmp_path_factory.mktemp("certificate") / "shop.pem"
        certificate.write_text(shop.compose("exec", "-T", "proxy", "cat", "/certificates/shop.pem"))
        shop.trust.load_verify_locations(certificate)
        yield shop
    finally:
        shop.compose("down", "--volumes", "--remove-orphans", check=False)
