"""The example of a Flask application that moved over: the same steps, the same pages."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.examples.conftest import Start, serve

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ADA = {"username": "ada", "password": "lovelace"}
BEFORE = ("flask", "--app", "before", "run", "--port", "{port}")
AFTER = serve("after:create_app()")


def play(url: str) -> list[tuple[str, int, str]]:
    """Take the steps of somebody who tries everything; returns what came of each."""
    steps: list[tuple[str, str, dict[str, str] | None]] = [
        ("GET", "/", None),
        ("GET", "/create", None),
        ("GET", "/register", None),
        ("POST", "/register", ADA),
        ("POST", "/register", ADA),
        ("POST", "/login", {**ADA, "password": "byron"}),
        ("POST", "/login", {**ADA, "username": "nobody"}),
        ("GET", "/login", None),
        ("POST", "/login", ADA),
        ("GET", "/", None),
        ("GET", "/create", None),
        ("POST", "/create", {"title": "", "body": "no title"}),
        ("POST", "/create", {"title": "Notes", "body": "by the translator"}),
        ("POST", "/create", {"title": "More <notes>", "body": ""}),
        ("GET", "/", None),
        ("GET", "/logout", None),
        ("GET", "/", None),
        ("POST", "/create", {"title": "as nobody", "body": ""}),
        ("POST", "/login", {"username": "ada"}),
        ("GET", "/elsewhere", None),
    ]
    with httpx.Client(base_url=url, follow_redirects=True) as browser:
        outcomes = []
        for method, path, form in steps:
            answer = browser.request(method, path, data=form)
            page = answer.text if answer.is_success else ""
            outcomes.append((answer.url.path, answer.status_code, page))
        return outcomes


def test_before_and_after(start: Start, tmp_path: Path) -> None:
    """Flask and what became of it answer every step with the same page."""
    with start("flaskr", *BEFORE, DATABASE=str(tmp_path / "flaskr.sqlite")) as url:
        before = play(url)
    with start("flaskr", *AFTER) as url:
        after = play(url)
    for number, (was, became) in enumerate(zip(before, after, strict=True)):
        assert was == became, number
    assert "Notes" in before[14][2]
    assert "Wrong user name" in before[5][2]


def test_a_message_has_a_cookie_of_its_own(start: Start) -> None:
    """After the move a flashed message and a login can't undo each other."""
    with start("flaskr", *AFTER) as url, httpx.Client(base_url=url) as browser:
        browser.post("/register", data=ADA)
        sent = browser.post("/login", data=ADA).headers.get_list("Set-Cookie")
        assert [each.partition("=")[0] for each in sent] == ["session"]
        assert browser.get("/create").status_code == 200
