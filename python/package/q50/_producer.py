"""A function that makes signals, as a program that the command can run: each run asks the interpreter that has the function."""

from __future__ import annotations

import shlex
import socketserver
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from q50 import _q50
from q50._frames import as_kind_of, streamed

CLIENT = Path(__file__).with_name("_producer_client.py")


class Producer:
    """Answers, as long as it is entered, every run of `command`: a table of bars in, one of signals out."""

    def __init__(self, function: Callable[[Any], Any], like: Any, folder: Path) -> None:
        socket = folder / "producer"

        class Run(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                bars, out = (self.rfile.readline().decode().rstrip("\n") for _ in range(2))
                try:
                    _q50.write(streamed(function(as_kind_of(like, _q50.table(bars)))), out)
                except BaseException:  # Whatever a function of the user's raises is what its run says.
                    self.wfile.write(traceback.format_exc().encode())

        self._server = socketserver.UnixStreamServer(str(socket), Run)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        words = [sys.executable, "-IS", str(CLIENT), str(socket), "{bars}", "{out}"]
        self.command = " ".join(word if word.startswith("{") else shlex.quote(word) for word in words)

    def __enter__(self) -> Producer:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
