"""Is told of orders, and prints each event once."""

import os

from quart import Quart, request
from standardwebhooks import Webhook, WebhookVerificationError

MOST_KNOWN = 100_000

app = Quart(__name__)
webhook = Webhook(os.environ["WEBHOOK_SECRET"])
known: dict[str, None] = {}  # A real one keeps the ids of a day or two in its database.


@app.post("/hooks")
async def receive() -> tuple[str, int]:
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        event = webhook.verify(await request.get_data(), headers)
    except WebhookVerificationError:
        return "", 400
    # At least once: the same event may come again, with the same id.
    if headers["webhook-id"] not in known:
        known[headers["webhook-id"]] = None
        if len(known) > MOST_KNOWN:
            del known[next(iter(known))]
        print(event["type"], event["data"], flush=True)
    return "", 204
