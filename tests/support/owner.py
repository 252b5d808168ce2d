"""A process that owns a server on the folder it is given, says so, and ends with its input."""

import sys
from pathlib import Path

from service.devserver import PostgresServer

server = PostgresServer(Path(sys.argv[1]))
sys.stdout.write(server.start() + "\n")
sys.stdout.flush()
sys.stdin.read()
