"""Two versions of a service are queried over HTTP, here on a server that this file starts."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from sklearn.datasets import load_breast_cancer
from sklearn.naive_bayes import GaussianNB

from unlearn_audit import query

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
models = {f"/v{n}": GaussianNB().fit(X.to_numpy()[2 * n :: 2], y[2 * n :: 2]) for n in (0, 1)}  # v1 lacks row 0


def answer(request):
    rows = json.loads(request.rfile.read(int(request.headers["Content-Length"])))["instances"]
    answers = models[request.path].predict_proba(rows).tolist()
    request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps({"predictions": answers}).encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), type("Service", (BaseHTTPRequestHandler,), {"do_POST": answer}))
Thread(target=server.serve_forever, daemon=True).start()
asked = query(X.assign(label=y), *(f"http://127.0.0.1:{server.server_port}{v}" for v in models), "out", label="label")
print(*asked.sentences, asked.next_command("0", "held-out.txt"), sep="\n")
