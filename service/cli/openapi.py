"""`locker openapi`."""

from __future__ import annotations

import json
import secrets

import click

from service import create_app
from service.http.openapi import build_document
from service.settings import Settings


@click.command()
def openapi() -> None:
    """Print the OpenAPI document of the API, to make clients from.

    It needs no settings and no database, and is the same for every server of this version.
    """
    # Nothing is opened before it serves, so the address is never asked for.
    settings = Settings(
        database_url="postgresql:///locker",
        secret_key=secrets.token_hex(),
        allowed_hosts=("localhost",),
    )
    document = build_document(create_app(settings))
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
