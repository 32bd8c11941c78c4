"""A proxy before a registry, which asks for a login."""

import base64
import http.client
import http.server
import threading


class Guard:
    """Listens on `address` and passes on to `registry`, both host:port, for whoever knows the password. REQUIRES: ended with `close`."""

    PASSWORD = "pass:word \u00e4"

    def __init__(self, address, registry):
        self.served = 0
        self.address = address
        right = "Basic " + base64.b64encode(f"puller:{self.PASSWORD}".encode()).decode()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):
                if handler.headers.get("Authorization") != right:
                    handler.send_response(401)
                    handler.send_header("WWW-Authenticate", 'Basic realm="guard"')
                    handler.send_header("Content-Length", "0")
                    handler.end_headers()
                    return
                self.served += 1
                connection = http.client.HTTPConnection(registry)
                connection.putrequest(handler.command, handler.path, skip_host=True, skip_accept_encoding=True)
                for name, value in handler.headers.items():
                    if name != "Authorization":
                        connection.putheader(name, value)
                connection.endheaders()
                answer = connection.getresponse()
                body = answer.read()
                handler.send_response(answer.status)
                for name, value in answer.getheaders():
                    handler.send_header(name, value)
                handler.end_headers()
                handler.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        host, port = self.address.split(":")
        self.server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
