"""An account's own export, over HTTP (http-api, "Account")."""

from __future__ import annotations

from quart import Blueprint, Response

from service.database import run
from service.http.endpoints import Caller, answer, operation
from service.logins import current_account_id

from . import actions
from .api_types import AccountExportOutput, export_output

blueprint = Blueprint("customers", __name__)


@blueprint.get("/account/export")
@operation(Caller.SIGNED_IN, answers={200: AccountExportOutput})
async def export_account() -> Response:
    """Export all that is kept of the account."""
    return answer(export_output(await run(actions.export, current_account_id())))
