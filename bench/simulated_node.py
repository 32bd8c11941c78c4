"""A node that runs nothing: its pods begin at once and end when it is told or their time is over, and what they print is what the API server asks it for. So hundreds are no more work than their
entries in the API."""

import contextlib
import datetime
import http.client
import http.server
import json
import queue
import random
import ssl
import sys
import threading
import time

from bench_cluster import BenchCluster  # noqa: F401  (sets the path)
from api import Api, Refused
from certificates import Certificates

NAME = "simulated"
HEARTBEAT_SECONDS = 10
FIRST_LINE, LAST_LINE = b"the code begins\n", b"the code ends\n"


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class KeptApi(Api):
    """Whose connection stays. For one thread."""

    connection = None

    def text(self, method, path, body=None, content="application/json"):
        self.connection = self.connection or http.client.HTTPSConnection(self.address, context=self.context, timeout=30)
        try:
            self.connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": content, "Accept": "application/json"})
            answer = self.connection.getresponse()
            said = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            self.connection.close()
            raise
        if answer.status >= 300:
            raise Refused(answer.status, said)
        return said


class SimulatedNode:
    """REQUIRES: ended with `close`, before the cluster. `seconds`: how long a pod runs, on average; each between a half and three halves of it."""

    def __init__(self, cluster, seconds):
        self.cluster, self.seconds = cluster, seconds
        self.random = random.Random(1)
        self.ended = {}                     # name of a pod -> set when it has ended
        self.due = queue.PriorityQueue()    # of (when, number, what to do, pod)
        self.number = 0
        self.stop = threading.Event()
        self.follow_logs()
        self.make_node()
        self.threads = [threading.Thread(target=work, daemon=True) for work in (self.beat, self.watch, self.work)]
        for thread in self.threads:
            thread.start()

    # What is asked of it

    def follow_logs(self):
        certificates = Certificates(self.cluster.folder / "certificates")
        certificates.issue(NAME, "kubernetes-ca", f"/CN=system:node:{NAME}", ["IP:127.0.0.1"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificates.certificate(NAME), certificates.key(NAME))

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(handler):
                handler.request.settimeout(30)
                handler.request = context.wrap_socket(handler.request, server_side=True)
                handler.request.settimeout(None)
                super().setup()

            def do_GET(handler):
                ended = self.ended.get(handler.path.split("?")[0].split("/")[3])
                handler.send_response(200 if ended else 404)
                handler.send_header("Content-Type", "text/plain")
                handler.send_header("Transfer-Encoding", "chunked")
                handler.end_headers()
                if ended:
                    handler.say(FIRST_LINE)
                    ended.wait()
                    handler.say(LAST_LINE)
                handler.wfile.write(b"0\r\n\r\n")

            def say(handler, line):
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 1024
            daemon_threads = True

            def handle_error(self, *_):     # who has followed is gone
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def conditions(self):
        return [{"type": "Ready", "status": "True", "reason": "Simulated", "lastHeartbeatTime": now(), "lastTransitionTime": now()}]

    def make_node(self):
        room = {"cpu": "100000", "memory": "1000Ti", "ephemeral-storage": "1000Ti", "pods": "100000"}
        KeptApi(self.cluster.folder / "kubeconfig").create("/api/v1/nodes", {
            "metadata": {"name": NAME, "labels": {"kubernetes.io/hostname": NAME}},
            "status": {"capacity": room, "allocatable": room, "conditions": self.conditions(), "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                       "daemonEndpoints": {"kubeletEndpoint": {"Port": self.server.server_address[1]}}}})

    def beat(self):
        while not self.stop.wait(HEARTBEAT_SECONDS):
            with contextlib.suppress(OSError, http.client.HTTPException, Refused):
                Api(self.cluster.folder / "kubeconfig").change(f"/api/v1/nodes/{NAME}/status", {"status": {"conditions": self.conditions()}})

    # Its pods

    def watch(self):
        api = Api(self.cluster.folder / "kubeconfig")
        version = ""
        while not self.stop.is_set():
            connection = http.client.HTTPSConnection(api.address, context=api.context)
            try:
                connection.request("GET", f"/api/v1/pods?watch=true&fieldSelector=spec.nodeName%3D{NAME}&resourceVersion={version}")
                for line in connection.getresponse():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        version = ""
                        break
                    version = event["object"]["metadata"]["resourceVersion"]
                    self.seen(event["type"], event["object"])
            except (OSError, http.client.HTTPException) as error:
                if not self.stop.is_set():
                    print(f"simulated node: {error!r}", file=sys.stderr)
                    time.sleep(1)
            finally:
                connection.close()

    def seen(self, kind, pod):
        name = pod["metadata"]["name"]
        if kind == "DELETED":
            ended = self.ended.pop(name, None)
            if ended:
                ended.set()
        elif "deletionTimestamp" in pod["metadata"]:
            self.later(0, self.forget, pod)
        elif name not in self.ended and pod["status"]["phase"] == "Pending":
            self.ended[name] = threading.Event()
            self.later(0, self.begin, pod)

    def later(self, seconds, what, pod):
        self.number += 1
        self.due.put((time.monotonic() + seconds, self.number, what, pod))

    def work(self):
        self.api = KeptApi(self.cluster.folder / "kubeconfig")
        while not self.stop.is_set():
            when, number, what, pod = self.due.get()
            left = when - time.monotonic()
            if left > 0:    # perhaps something else comes before it
                self.due.put((when, number, what, pod))
                time.sleep(min(left, 0.01))
                continue
            try:
                what(pod)
            except Refused as refused:
                if refused.status not in (404, 409):
                    print(f"simulated node: {refused}", file=sys.stderr)
            except (OSError, http.client.HTTPException):
                self.later(0.1, what, pod)

    def path(self, pod):
        return f"/api/v1/namespaces/{pod['metadata']['namespace']}/pods/{pod['metadata']['name']}"

    def status(self, pod, phase, state):
        containers = [{"name": one["name"], "image": one["image"], "imageID": one["image"], "ready": phase == "Running", "restartCount": 0, "started": phase == "Running", "state": state}
                      for one in pod["spec"]["containers"]]
        self.api.change(self.path(pod) + "/status", {"status": {"phase": phase, "startTime": now(), "containerStatuses": containers}})

    def begin(self, pod):
        self.status(pod, "Running", {"running": {"startedAt": now()}})
        self.later(self.seconds * (0.5 + self.random.random()), self.end, pod)

    def end(self, pod):
        ended = self.ended.get(pod["metadata"]["name"])
        if ended is None:
            return
        ended.set()
        self.status(pod, "Succeeded", {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": now(), "finishedAt": now()}})

    def forget(self, pod):
        self.api.text("DELETE", self.path(pod), {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0})

    def close(self):
        self.stop.set()
        for ended in list(self.ended.values()):
            ended.set()
        self.server.shutdown()
        self.server.server_close()
