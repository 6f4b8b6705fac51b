"""A real prediction server on this machine, which misbehaves as it is told to."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np


def posteriors(rows, version=1):
    """The answers of a version to rows of numbers: three classes, and a little else in another version."""
    scores = np.asarray(rows, dtype=float)[:, :1] * np.array([[1.0, -0.5, 0.1]]) + 0.05 * version * np.arange(3)
    shares = np.exp(scores)
    return (shares / shares.sum(axis=1, keepdims=True)).tolist()


@contextmanager
def in_background(handler):
    """A server of this machine that answers in a thread while a block runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class Server:
    """What a server got, and how it is to answer.

    Attributes
    ----------
    faults
        By the number of the request, what happens instead of an answer: a function of the handler.
    answer
        From the document of a request, its path and the number of the request to the document of the answer.
    """

    def __init__(self):
        self.requests, self.faults, self.headers, self.times = [], {}, [], []
        self.answer = lambda document, path, number: {
            "predictions": posteriors(document["instances"], 2 if path.startswith("/v2") else 1)
        }
        self.lock = threading.Lock()

    def url(self, path="/v1"):
        return f"http://127.0.0.1:{self.port}{path}"


def status(code, body=b"", **headers):
    """A fault: this status, and nothing more."""

    def fault(handler):
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return fault


def drop(handler):
    """A fault: the connection ends in the middle of the answer."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"predictions": [')
    handler.close_connection = True


def garbled(handler):
    """A fault: what comes is not packed as the server says."""
    status(200, b"no gzip", Content_Encoding="gzip")(handler)


def slow(seconds):
    """A fault: nothing comes for so long."""

    def fault(handler):
        time.sleep(seconds)

    return fault


def drip(handler):
    """A fault: a byte now and then, for ever."""
    handler.send_response(200)
    handler.end_headers()
    try:
        while True:
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)
    except OSError:
        handler.close_connection = True


@contextmanager
def running():
    """Run a server on a free port."""
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            content = self.rfile.read(int(self.headers["Content-Length"]))
            with state.lock:
                number = len(state.requests)
                state.requests.append((self.path, json.loads(content)))
                state.headers.append(dict(self.headers))
                state.times.append(time.monotonic())
            if number in state.faults:
                state.faults[number](self)
                return
            answer = state.answer(json.loads(content), self.path, number)
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            status(200, body, Content_Type="application/json")(self)

        def log_message(self, *arguments):
            pass

        def handle(self):
            with suppress(OSError):
                super().handle()

    with in_background(Handler) as server:
        state.port = server.server_port
        yield state
