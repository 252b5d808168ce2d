"""Made-up requests against the document: none gets a 5xx, none an answer off its schema."""

from __future__ import annotations

import subprocess
from pathlib import Path

import httpx
import pytest

from service.settings import Settings
from tests.support.serving import PROGRAMS, ROOT, serve
from tests.support.shopping import API, PASSWORD, Product, new_name

pytestmark = pytest.mark.slow
EXAMPLES = 5
"""For each operation; `make fuzz` takes thousands."""


@pytest.mark.timeout(180)
@pytest.mark.parametrize("caller", ["guest", "signed in", "token"])
def test_no_answer_is_off_the_document(
    settings: Settings, product: Product, caller: str, tmp_path: Path
) -> None:
    """Whoever asks, every answer is one that the document has, also in sequences that it links."""
    name = new_name()
    account = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    with serve(settings, log_level="WARNING") as served, httpx.Client(base_url=served.url) as http:
        headers = []
        if caller != "guest":
            assert http.post(f"{API}/account", json=account).status_code == 201
            cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in http.cookies.jar)
            headers = ["--header", f"Cookie: {cookies}"]
        if caller == "token":
            body = {"name": "fuzz", "current_password": PASSWORD}
            token = http.post(f"{API}/account/tokens", json=body).json()["token"]
            # It sends wrong cookies beside the token and wants a 401, but they aren't read then.
            headers = [
                *("--header", f"Authorization: Bearer {token}"),
                *("--exclude-checks", "ignored_auth"),
            ]
        ended = subprocess.run(
            [
                *(PROGRAMS / "schemathesis", "--config-file", ROOT / "schemathesis.toml"),
                *("run", f"{served.url}/openapi.json"),
                *("--max-examples", str(EXAMPLES), "--seed", "1", "--workers", "1"),
                *("--generation-database", ":memory:", "--no-color", *headers),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout[-8_000:] + ended.stderr[-2_000:]
        assert served.stop() == 0
        assert "[error" not in served.log()
