"""A receiver as people write it in Python: the standardwebhooks library, and the signature of the body by hand."""

import hashlib
import hmac
import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

# By the last segment of the path, since a receiver keeps one secret for each webhook.
SECRETS = json.loads(os.environ["SECRETS"])
seen = set()


def standard(body, headers, secret):
    """The library takes `whsec_` secrets as they are, and any other as bytes."""
    webhook = Webhook(secret if secret.startswith("whsec_") else secret.encode())
    try:
        webhook.verify(body, headers)
        return True
    except (WebhookVerificationError, ValueError):
        return False


def by_hand(body, signature, secret):
    expected = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        secret = SECRETS[self.path.rsplit("/", 1)[-1]]
        ways = {
            "standard": standard(body, dict(self.headers), secret),
            "by_hand": by_hand(body, self.headers["X-Signature"], secret),
        }
        message = self.headers["webhook-id"]
        is_down = self.path.startswith("/down-at-first/") and message not in seen
        seen.add(message)
        status = 503 if is_down else 200 if all(ways.values()) else 401
        answer = json.dumps(ways).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        say(json.dumps({"path": self.path, "id": message, "status": status, "ways": ways}))

    def log_message(self, *_):
        """Nothing: stdout has a line for each request."""


lock = threading.Lock()


def say(line):
    with lock:
        print(line, flush=True)


def stop_with_the_test():
    """The test that started this has gone when its end of the pipe is closed."""
    sys.stdin.read()
    os._exit(0)


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
say(f"http://127.0.0.1:{server.server_address[1]}")
threading.Thread(target=stop_with_the_test, daemon=True).start()
server.serve_forever()
