"""`locker dev`: one command, a whole shop, and it is there again on the next start."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.devserver import become
from tests.support.commands import LOCKER, Locker, environment
from tests.support.shopping import API, PASSWORD

pytestmark = pytest.mark.slow

ANSWERED_WITHIN = 30.0
ENDED_WITHIN = 30.0


class Shop:
    """A running `locker dev`."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.url, timeout=ANSWERED_WITHIN)
        self.said = ""
        assert process.stdout
        for line in process.stdout:
            self.said += line
            if "To stop" in line:
                return
        raise AssertionError(f"ended while starting:\n{self.said}")

    def end(self, number: int) -> int:
        self.process.send_signal(number)
        self.said += self.process.communicate(timeout=ENDED_WITHIN)[0]
        return self.process.returncode


@contextmanager
def shop(folder: Path, port: int | None = None) -> Iterator[Shop]:
    """Start it in a folder; it ends with the block, and with the tests however they end."""
    port = port or free_port()
    process = subprocess.Popen(
        [
            *(sys.executable, become.__file__, str(os.getpid()), "-"),
            *(*LOCKER, "dev", "--port", str(port)),
        ],
        cwd=folder,
        env=environment({}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        started = Shop(process, port)
        with started.client:
            yield started
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=ENDED_WITHIN)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def products(shop: Shop) -> list[Any]:
    answer = shop.client.get(f"{API}/products", params={"limit": 100})
    answer.raise_for_status()
    return list(answer.json()["products"])


def fill_cart(shop: Shop) -> None:
    sku = products(shop)[0]["variants"][0]["sku"]
    shop.client.post(f"{API}/cart/lines", json={"sku": sku, "quantity": 2}).raise_for_status()


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a shop that was started once, and what was seen then."""
    folder = tmp_path_factory.mktemp("dev")
    with shop(folder) as first:
        assert first.url in first.said
        assert f"{first.url}/docs" in first.said
        assert "Importing the sample catalogue" in first.said
        for path in ("/livez", "/readyz"):
            assert first.client.get(path).status_code == 200
        assert len(products(first)) >= 30
        assert first.end(signal.SIGINT) == 0
        assert first.said.rstrip().endswith("Stopped.")
        assert "Traceback" not in first.said
    return folder


@pytest.fixture
def folder(used: Path, tmp_path: Path) -> Path:
    """A copy of it for this test."""
    return shutil.copytree(used, tmp_path / "dev", symlinks=True)


def test_first_start(used: Path) -> None:
    """The first start makes everything in a folder of its own, which only its user can read."""
    assert [path.name for path in used.iterdir()] == [".locker"]
    key = used / ".locker" / "secret.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert len(key.read_text()) >= 32


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_all_is_there_again(folder: Path, number: signal.Signals) -> None:
    """What was done is there on the next start, also after kill -9; no second import."""
    with shop(folder) as before:
        fill_cart(before)
        cookies = dict(before.client.cookies)
        assert before.end(number) == (-number if number == signal.SIGKILL else 0)
    with shop(folder) as after:
        assert "sample" not in after.said
        # The key is the folder's, so the browser's cookie still holds.
        after.client.cookies.update(cookies)
        assert after.client.get(f"{API}/cart").json()["quantity"] == 2


def test_first_start_cut_short(used: Path, tmp_path: Path) -> None:
    """A first start that was killed in the import leaves no half of a catalogue."""
    process = subprocess.Popen(
        [*LOCKER, "dev", "--port", str(free_port())],
        cwd=tmp_path,
        env=environment({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout
    assert "Importing" in process.stdout.readline()
    process.kill()
    process.communicate()
    with shop(used) as whole, shop(tmp_path) as again:
        assert products(again) == products(whole)


def test_port_in_use(make_locker: Any, tmp_path: Path) -> None:
    """A port in use is one line, before anything is made."""
    locker: Locker = make_locker()
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ended = locker("dev", "--port", port)
    assert (ended.status, ended.output, ended.errors.count("\n")) == (1, "", 1)
    assert f"127.0.0.1:{port}: Address already in use" in ended.errors
    assert "make run PORT=" in ended.errors
    assert "--port" in ended.errors
    assert list(tmp_path.iterdir()) == []


def test_second_start(make_locker: Any, used: Path) -> None:
    """A second start on the same folder is one line, and the first goes on."""
    with shop(used) as first:
        locker: Locker = make_locker()
        ended = locker("dev", "--port", str(free_port()), "--data", str(used / ".locker"))
        assert (ended.status, ended.errors.count("\n")) == (1, 1)
        assert f"in use by another Locker, process {first.process.pid}" in ended.errors
        assert first.client.get("/readyz").status_code == 200


def test_other_version(make_locker: Any, folder: Path) -> None:
    """A folder of another PostgreSQL is one line."""
    (folder / ".locker" / "postgres" / "PG_VERSION").write_text("17\n")
    locker: Locker = make_locker()
    ended = locker("dev", "--port", str(free_port()), "--data", str(folder / ".locker"))
    assert (ended.status, ended.errors.count("\n")) == (1, 1)
    assert "was made by PostgreSQL 17" in ended.errors


def test_someone_elses_folder(make_locker: Any, tmp_path: Path) -> None:
    """A folder with other things in it is left alone."""
    (tmp_path / "thesis.txt").write_text("Once")
    locker: Locker = make_locker()
    ended = locker("dev", "--port", str(free_port()), "--data", str(tmp_path))
    assert (ended.status, ended.errors.count("\n")) == (1, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_commands_work_on_what_it_keeps(make_locker: Callable[..., Locker], tmp_path: Path) -> None:
    """With --data a command finds the database of `locker dev`, while it runs and afterwards."""
    locker = make_locker()
    create = ("--data", ".locker", "user", "create")
    with shop(tmp_path) as running:
        assert "--data .locker" in running.said
        made = locker(*create, "ada", "--email", "ada@example.com", text=f"{PASSWORD}\n")
        assert made.output == "Made the account ada.\n", made.errors
        answer = running.client.post(
            f"{API}/session", json={"username": "ada", "password": PASSWORD}
        )
        assert answer.status_code == 200
    made = locker(*create, "bea", "--email", "bea@example.com", text=f"{PASSWORD}\n")
    assert made.output == "Made the account bea.\n", made.errors


def test_commands_say_where_there_is_no_shop(
    make_locker: Callable[..., Locker], tmp_path: Path
) -> None:
    """A folder without one, and --data in the wrong place, are one line."""
    locker = make_locker()
    nothing = locker("--data", "nowhere", "orders", "list")
    assert nothing.status == 1
    assert "nowhere holds no shop" in nothing.errors
    assert not (tmp_path / "nowhere").exists()
    assert "give --data after `dev`" in locker("--data", "x", "dev").errors
