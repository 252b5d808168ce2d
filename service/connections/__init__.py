"""What Hypercorn 0.18 leaves open of HTTP and of connections, closed where it hosts the service.

It has no setting for any of this: it takes ``Upgrade: h2c`` and HTTP/2 on a plain socket, ends the
whole connection with a traceback over one stream's path, keeps answers of any size for a client
that doesn't take them, and lets a connection stay for as long as its client likes. So its class
for a connection is replaced by `server.Connection`; the rest is subclasses of its protocols, and
how many connections asyncio accepts at once.

`init_app` does that when Hypercorn starts the application, by whatever command. Another server,
or a test client, never gets here. `tests/connections/test_hypercorn.py` shows what Hypercorn does
without this, and fails once a version of it no longer does.
"""

from .giving_way import give_way
from .hosting import init_app
from .streams import listen

__all__ = ["give_way", "init_app", "listen"]
