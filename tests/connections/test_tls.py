"""Where Hypercorn ends TLS itself, HTTP/2 is offered, with the bounds it has without."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from ssl import SSLSocket, create_default_context
from typing import Any

import httpx
import pytest

from service.settings import Settings
from tests.support.certificates import make_certificate
from tests.support.serving import Served, serve
from tests.support.wire import NEVER_ENDING, WITHIN, Http2, await_closed

MOST = 8


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    make_certificate(folder)
    return folder / "shop.example.crt", folder / "shop.example.key"


@contextmanager
def connected(served: Served, tls: tuple[Path, Path]) -> Iterator[SSLSocket]:
    """Connect, speaking HTTP/2."""
    context = create_default_context(cafile=tls[0])
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", served.port), WITHIN) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        yield secure


def test_answers_not_taken(settings: Settings, tls: tuple[Path, Path]) -> None:
    """Who has no room for an answer is cut off in its time, or before where others come."""
    bounds: dict[str, Any] = {"send_timeout": 1, "max_connections": MOST}
    with serve(settings, tls=tls, **bounds) as served, ExitStack() as stack:
        crowd = []
        for _ in range(3 * MOST):
            crowd.append(stack.enter_context(connected(served, tls)))
            assert crowd[-1].selected_alpn_protocol() == "h2"
            crowd[-1].sendall(NEVER_ENDING["window 0"](served))
            answer = httpx.get(f"{served.url}/livez", timeout=5, verify=served.trust or True)
            assert answer.status_code == 200
        for connection in crowd:
            await_closed(connection)
        with connected(served, tls) as connection:
            client = Http2(connection, f"127.0.0.1:{served.port}")
            client.ask(1, client.fields())
            assert client.answer(1) == 200
        assert "Traceback" not in served.log()
