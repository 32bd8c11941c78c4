"""`kubernetes:<namespace>`: a role in a namespace of the real cluster that YELLOW_KUBERNETES names, used from a recorded shell whose calls a proxy makes; nothing of it outlives its request."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import time
import unittest

from pods import Namespace, cluster, wait     # which makes the others be found
from people import SCOPES, Office

# What yellow render kubernetes gives to the engine in such a namespace.
RULES = [
    {"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["create", "delete"]},
    {"apiGroups": [""], "resources": ["serviceaccounts/token"], "verbs": ["create"]},
    {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["rolebindings"], "verbs": ["create", "delete"]},
    {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["clusterroles"], "verbs": ["bind"], "resourceNames": ["edit"]},
]
POD = {"metadata": {"name": "beats"}, "spec": {
    "restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "automountServiceAccountToken": False,
    "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [{"name": "beats", "image": "localhost/yellow-base:1", "command": ["sh", "-c", "while :; do echo beat; sleep 1; done"],
                    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}}]}}


def setUpModule():
    global namespace, other, office
    namespace, other = Namespace("access-test"), Namespace("access-other")
    for one in (namespace, other):
        unittest.addModuleCleanup(one.remove)
    namespace.give(RULES)
    namespace.api.create(namespace.pods, POD)
    office = Office()
    unittest.addModuleCleanup(office.close)
    office.stop_service()
    office.start_service({"KUBECONFIG": str(namespace.kubeconfig)})
    office.declare(scopes={**SCOPES, f"kubernetes:{namespace.name}": {"longest": "2h", "role": "edit"}})
    applied = office.yellow("apply")
    assert applied.status == 0, applied
    wait("the pod beats", lambda: namespace.api.get(f"{namespace.pods}/beats")["status"].get("phase") == "Running", 120)


class ClusterAccess(unittest.TestCase):
    tickets = iter(range(1, 99))

    def ask(self):
        return office.ask(scope=f"kubernetes:{namespace.name}", ticket=f"OPS-{next(self.tickets)}")

    def active(self):
        request = self.ask()
        office.approve(request)
        return office.did("alice", "activate", request["id"])

    def shell(self, request, typed, **how):
        return office.session(request, typed, program="shell", **how)

    def begin(self, request, typed):
        process = office.begin_session(request, program="shell")
        for undo in (process.stdin.close, process.stdout.close, process.wait, process.kill):
            self.addCleanup(undo)
        process.stdin.write(typed.encode())
        process.stdin.flush()
        return process

    def made(self, request):
        """What there is of the request in the cluster."""
        roles = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace.name}/rolebindings"
        return [name for path in (f"{namespace.path}/serviceaccounts", roles) for name in namespace.names(path) if request["id"] in name]

    def calls(self, request):
        return [(*fact["does"], *fact["relations"]) for fact in office.facts(request) if fact["kind"] == "call"]

    def token(self, request):
        """One of its account, as an administrator may have it."""
        path = f"{namespace.path}/serviceaccounts/yellow-tmp-{request['id']}/token"
        return namespace.api.create(path, {"spec": {"expirationSeconds": 3600}})["status"]["token"]

    def status_with(self, token):
        connection = http.client.HTTPSConnection(namespace.api.address, context=anonymous(), timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", namespace.pods, headers={"Authorization": f"Bearer {token}"})
            return connection.getresponse().status

    def session_of(self, request):
        return wait("its session ends", lambda: next((one for one in office.did("bob", "show", request["id"])["sessions"] if one["ended_at"]), None), 30)

    def is_gone(self, request, token):
        office.wait_for(request, "in_review", 30)
        self.assertEqual(self.made(request), [])
        # A server remembers for ten seconds that a token was good.
        wait("the token is refused", lambda: self.status_with(token) == 401, 30)

    def test_what_is_lent_is_had_and_nothing_else(self):
        request = self.ask()
        self.assertEqual(self.made(request), [])
        self.assertEqual(self.shell(request, "kubectl get pods\n").status, 1)
        office.approve(request)
        self.assertEqual(self.made(request), [])
        office.did("alice", "activate", request["id"])
        done = self.shell(request, f"kubectl get pods -o name; echo \"pods $?\"\nkubectl -n {other.name} get pods; echo \"elsewhere $?\"\nkubectl get nodes; echo \"nodes $?\"\n"
                                   "kubectl create configmap made --from-literal=a=b; kubectl delete configmap made\nexit 0\n")
        self.assertEqual(done.status, 0, done)
        self.assertIn("pod/beats", done.out)
        for said in ("pods 0", "elsewhere 1", "nodes 1", "configmap/made created", 'configmap "made" deleted'):
            self.assertIn(said, done.out)
        self.assertEqual(len(self.made(request)), 2)
        account = namespace.api.get(f"{namespace.path}/serviceaccounts/yellow-tmp-{request['id']}")["metadata"]
        self.assertEqual((account["labels"]["yellow/request"], account["annotations"]["yellow/person"]), (request["id"], "alice"))
        token = self.token(request)
        self.assertEqual(self.status_with(token), 200)
        session = self.session_of(request)
        self.assertIn(("GET", f"/api/v1/namespaces/{namespace.name}/pods"), self.calls(request))
        flags = {flag for fact in office.facts(request) for flag in fact["flags"]}
        self.assertLessEqual({"outside_scope", "refused"}, flags)
        self.assertIn(f"/api/v1/namespaces/{other.name}/pods", office.access("bob", "statements", request["id"]).out)
        replayed = office.replay("bob", session["recording"])
        self.assertIn("pod/beats", replayed.out)
        whole = office.replay("bob", session["recording"].replace(".cast.", ".statements."), "--cast").out
        self.assertIn('"method":"DELETE","target":"/api/v1/namespaces/access-test/configmaps/made"', whole)
        office.did("alice", "release", request["id"])
        self.is_gone(request, token)
        self.assertEqual(self.shell(request, "kubectl get pods\n").status, 1)
        office.chained()
        self.assertEqual(office.yellow("audit", "verify").status, 0)

    def test_streams(self):
        request = self.active()
        done = self.shell(request, "timeout 5 kubectl logs -f beats --tail=1; kubectl exec beats -- sh -c 'echo by-exec-$((40 + 2)); exit 7'; echo \"exec $?\"\nexit 0\n")
        self.assertGreaterEqual(len(re.findall(r"(?m)^beat\r?$", done.out)), 3, done)
        self.assertIn("by-exec-42", done.out)
        self.assertIn("exec 7", done.out)
        facts = office.facts(request)
        self.assertIn("do_block", {flag for fact in facts for flag in fact["flags"]})
        self.assertNotIn("by-exec", json.dumps(facts))
        office.did("alice", "release", request["id"])

    def test_the_credential_is_out_of_reach(self):
        request = self.active()
        mine = namespace.api.create(f"{namespace.path}/serviceaccounts/yellow/token", {"spec": {"expirationSeconds": 600}})["status"]["token"]
        api = "http://127.0.0.1:8001"
        review = "-H 'Content-Type: application/json' -d '{\"apiVersion\":\"authentication.k8s.io/v1\",\"kind\":\"SelfSubjectReview\"}' " + api + "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        accounts = f"{api}/api/v1/namespaces/{namespace.name}/serviceaccounts/yellow-tmp-{request['id']}"
        done = self.shell(request, f"""cat $KUBECONFIG; env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c '[e]yJ'
curl -s {review} | grep username
curl -s -H 'Authorization: Bearer {mine}' {review} | grep username
curl -s -H 'Impersonate-User: system:admin' {review} | grep message
curl -s -X POST -d '{{}}' {accounts}/token | grep message
curl -s -X POST -d '{{}}' {accounts}/%74oken | grep message
curl -s --path-as-is -X POST -d '{{}}' {accounts}/x/../token | grep message
curl -s -m 5 -k https://{namespace.api.address}/version; echo "past it: $?"
exit 0
""")
        own = f"system:serviceaccount:{namespace.name}:yellow-tmp-{request['id']}"
        self.assertEqual(len(re.findall(f'"username": "{own}"', done.out)), 2, done)
        self.assertIn("nobody is impersonated", done.out)
        self.assertEqual(done.out.count("no token may leave the cluster"), 2, done)
        self.assertIn("the path is ambiguous", done.out)
        self.assertIn("past it: 7", done.out)
        self.assertNotIn("eyJ", done.out.replace(mine, "").replace("[e]yJ", ""))
        for file in (office.root / ".yellow").rglob("*"):
            if file.is_file() and "postgres" not in str(file) and "cluster" not in str(file):
                self.assertNotIn(b"eyJhbGciOi", file.read_bytes(), file)
        self.assertNotIn("eyJ", (office.base / "serve.log").read_text())
        office.did("alice", "release", request["id"])

    def test_a_call_that_hides_behind_another(self):
        """One after the other on a connection, in the body of another, and after an upgrade that is refused: only what is recorded happens."""
        kept = {"metadata": {"name": "kept"}, "data": {}}
        namespace.api.create(f"{namespace.path}/configmaps", kept)
        self.addCleanup(namespace.api.delete, f"{namespace.path}/configmaps/kept")
        request = self.active()
        # With a credential that may do it: whatever keeps it from the server is the proxy.
        namespace.api.create(f"{namespace.path}/serviceaccounts", {"metadata": {"name": "remover"}})
        bindings = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace.name}/rolebindings"
        namespace.api.create(bindings, {"metadata": {"name": "remover"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"},
                                        "subjects": [{"kind": "ServiceAccount", "name": "remover", "namespace": namespace.name}]})
        self.addCleanup(namespace.api.delete, f"{bindings}/remover")
        stolen = namespace.api.create(f"{namespace.path}/serviceaccounts/remover/token", {"spec": {"expirationSeconds": 600}})["status"]["token"]
        hidden = f"DELETE /api/v1/namespaces/{namespace.name}/configmaps/kept HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: Bearer {stolen}\\r\\n\\r\\n"
        first = f"/api/v1/namespaces/{namespace.name}/pods"
        done = self.shell(request, f"""send() {{ exec 3<>/dev/tcp/127.0.0.1/8001; printf "$1" >&3; timeout 5 cat <&3 | head -c 300; exec 3>&-; echo; }}
send 'GET {first} HTTP/1.1\\r\\nHost: x\\r\\nConnection: keep-alive\\r\\n\\r\\n{hidden}'
send 'GET {first} HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 0\\r\\nTransfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\n{hidden}'
send 'GET {first} HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n\\r\\n{hidden}'
send 'GET {first} HTTP/1.1\\r\\nHost: x\\r\\nConnection: Upgrade\\r\\nUpgrade: h2c\\r\\n\\r\\n{hidden}'
send 'GET {first} HTTP/1.1\\nHost: x\\n\\n{hidden}'
exit 0
""")
        self.assertIn("the length of the body is said more than once", done.out)
        self.assertNotIn("DELETE", [method for method, _ in self.calls(request)])
        self.assertTrue(namespace.api.answers(f"{namespace.path}/configmaps/kept"))
        office.did("alice", "release", request["id"])

    def test_its_time_is_over(self):
        request = self.active()
        process = self.begin(request, "setsid kubectl logs -f beats >/dev/null &\nkubectl exec beats -- sleep 600\n")
        wait("it is under way", lambda: len([path for _, path in self.calls(request) if path.endswith(("/log", "/exec"))]) == 2, 30)
        token = self.token(request)
        office.over(request)
        process.wait(20)
        self.assertEqual(self.session_of(request)["end_reason"], "its time is over")
        self.is_gone(request, token)

    def test_revoked(self):
        request = self.active()
        process = self.begin(request, "kubectl get pods --watch\n")
        wait("it is under way", lambda: self.made(request), 30)
        token = self.token(request)
        office.did("carol", "revoke", request["id"], "--reason", "wrong ticket")
        process.wait(20)
        self.assertEqual(self.session_of(request)["end_reason"], "wrong ticket")
        self.is_gone(request, token)

    def test_the_service_is_killed_and_its_time_ends_meanwhile(self):
        request = self.active()
        process = self.begin(request, "kubectl get pods --watch\n")
        wait("it is under way", lambda: self.calls(request), 30)
        token = self.token(request)
        office.stop_service(signal.SIGKILL)
        process.wait(20)
        self.assertEqual(len(self.made(request)), 2)
        office.over(request)
        office.start_service({"KUBECONFIG": str(namespace.kubeconfig)})
        self.is_gone(request, token)
        self.assertEqual(self.session_of(request)["end_reason"], "its service was killed")

    def test_the_cluster_does_not_answer_when_it_ends(self):
        """It is tried again until it is done, and nothing is said to be over before."""
        request = self.active()
        self.assertEqual(self.shell(request, "kubectl get pods\n").status, 0)
        token = self.token(request)
        # Of several that wait for the cluster the first alone is told.
        wait("those of before are over", lambda: office.sql("MergeDB", "SELECT 1 FROM yellow_access.request WHERE state IN ('expired', 'revoked', 'released', 'disabled')") == [], 30)
        cluster("stop", "kube-apiserver")
        try:
            office.did("alice", "release", request["id"])
            time.sleep(3)
            self.assertEqual(office.state(request), "released")
            self.assertIn(f"the access of request {request['id']} has to end and does not", (office.base / "serve.log").read_text())
        finally:
            cluster("up")
        self.is_gone(request, token)

    def test_a_call_that_cannot_be_recorded_does_not_happen(self):
        request = self.active()
        process = self.begin(request, "kubectl get pods\n")
        wait("it is under way", lambda: self.calls(request), 30)
        office.sql("MergeDB", "CREATE FUNCTION public.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'disk full'; END $$;"
                              "CREATE TRIGGER no BEFORE INSERT ON yellow_access.audit FOR EACH ROW WHEN (NEW.action = 'access.statement') EXECUTE FUNCTION public.no()")
        self.addCleanup(office.sql, "MergeDB", "DROP TRIGGER IF EXISTS no ON yellow_access.audit; DROP FUNCTION IF EXISTS public.no()")
        process.stdin.write(b"kubectl create configmap unseen --from-literal=a=b\n")
        process.stdin.flush()
        process.wait(20)
        office.sql("MergeDB", "DROP TRIGGER no ON yellow_access.audit")
        self.assertEqual(self.session_of(request)["end_reason"], "it cannot be recorded any more")
        self.assertFalse(namespace.api.answers(f"{namespace.path}/configmaps/unseen"))
        office.did("alice", "release", request["id"])

    def test_a_cluster_that_gives_no_more_than_it_may(self):
        """Another role than the one that the engine may bind: the cluster refuses, and so does the session."""
        namespace.give([{**rule, "resourceNames": ["view"]} if "resourceNames" in rule else rule for rule in RULES])
        self.addCleanup(namespace.give, RULES)
        request = self.active()
        done = self.shell(request, "kubectl get pods\n")
        self.assertNotEqual(done.status, 0)
        self.assertRegex(done.out + done.err, "forbidden|cannot bind|not allowed|attempting to grant")
        token = self.token(request)
        office.did("alice", "release", request["id"])
        self.is_gone(request, token)


def anonymous():
    import ssl
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


if __name__ == "__main__":
    unittest.main(verbosity=2)
