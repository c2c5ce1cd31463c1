"""What schemathesis has to know of Hooksieve that no schema can say. It is loaded as its hooks module.

- Strategies: how to make values that mean something (an address that may be sent to, a type that the catalogue has,
  the bytes of a filter, the id of something that is there), so that most of what is valid is also taken.
- One rule: a request that the schema allows is accepted, or refused for a reason that is listed here.
- At the end, which operations answered with success: one that never did was not tested, whatever the summary says.
"""

import atexit
import json
import os
import urllib.request
from datetime import datetime

import schemathesis
from hypothesis import strategies as st
from schemathesis.openapi.checks import RejectedPositiveData

HOST = os.environ["HOOKSIEVE_URL"]
RECEIVER = os.environ["HOOKSIEVE_RECEIVER"]
with open(os.environ["HOOKSIEVE_TOKENS"], encoding="utf-8") as tokens:
    AUTHORIZATION = {user["name"]: user["fixedHeaders"][0]["value"] for user in json.load(tokens)["auth"]}

# What only the host can judge, by the operation and the beginning of the field's pointer. A refusal of anything else
# that the schema allows is a failure: of the schema, or of the host.
JUDGED_BY_THE_HOST = {
    "POST /v1/events": [
        "/event",  # the catalogue
        "/previousValue",  # numbers and texts that JavaScript does not give back, depth
        "/currentValue",
    ],
    "POST /v1/webhooks": ["/url", "/events", "/secret", "/headers", "/filter", "/shadow"],
    "PATCH /v1/webhooks/{id}": ["/url", "/events", "/headers", "/filter", "/shadow"],
    "GET /v1/webhooks/{id}/stats": ["/since"],  # at most so many days ago
    "POST /v1/webhooks/{id}/backtest": ["/filter"],
    "POST /v1/webhooks/{id}/rotate-secret": ["/secret"],
    "POST /v1/webhooks/{id}/test": ["/event"],
    "POST /v1/webhooks/{id}/replay": ["/since"],  # that it is earlier than `until` and now
    "GET /v1/webhooks/{id}/deliveries": ["/event"],
    "POST /v1/hooks": ["/target_url", "/event"],
    "GET /v1/hooks/sample": ["/event"],
    "PUT /v1/event-types/{name}": ["/example", "/schema"],  # the example is to be of this type and meet the schema
    "POST /v1/filters": [""],  # whether the bytes are a filter
    "POST /v1/filters/{id}/evaluate": ["/event", "/previousValue", "/currentValue", "/config"],
}


def call(path, caller="ada", method="GET", body=None):
    """Asks the host for something; the answer's bytes."""
    headers = {"Authorization": AUTHORIZATION[caller], "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(HOST + path, data, headers, method=method)
    # A proxy that the environment names does not know this machine's ports.
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as answer:
        return answer.read()


def ids(path):
    """The ids of what is listed there."""
    return [{"id": item["id"]} for item in json.loads(call(path))["items"]]


WEBHOOKS = ids("/v1/webhooks")
USERS = ["ada", "ben"]
ALL = {"only": "all", "since": "2000-01-01T00:00:00Z"}
REPLAY = call(f"/v1/webhooks/{WEBHOOKS[-1]['id']}/replay", method="POST", body=ALL)


def deliveries(query=""):
    """The ids of the deliveries to all webhooks."""
    return [one for webhook in WEBHOOKS for one in ids(f"/v1/webhooks/{webhook['id']}/deliveries{query}")]


# What is there, by the beginning of the path: ids that cannot be guessed. The first that fits counts.
THERE = {
    "/v1/deliveries/{id}/retry": deliveries("?state=canceled"),
    "/v1/deliveries/{id}": deliveries(),
    "/v1/replays/{id}": [{"id": json.loads(REPLAY)["id"]}],
    "/v1/events/{id}": [{"id": id} for id in ("e0", "e1", "e2")],
    # Those of the catalogue cannot be changed.
    "/v1/event-types/{name}": [{"name": "INVOICE_PAID"}, {"name": "INVOICE_SENT"}],
    "/v1/filters/{id}": ids("/v1/filters"),
    # Not ben, who may see no event of ada's.
    "/v1/projects/{id}/members/{userId}": [
        {"id": os.environ["HOOKSIEVE_PROJECT"], "userId": id} for id in ("ada", "cleo")
    ],
    # Not those that this run itself uses.
    "/v1/tokens/{id}": [
        {"id": json.loads(call("/v1/users/ben/tokens", "operator", "POST"))["id"]} for _ in range(20)
    ],
    "/v1/users/{id}": [{"id": id} for id in USERS],
    "/v1/webhooks/{id}": WEBHOOKS,
    # A hook is a webhook.
    "/v1/hooks/{id}": WEBHOOKS,
}
# What nothing deletes, since the other operations need it.
STAYS = [*WEBHOOKS, *THERE["/v1/filters/{id}"], {"id": os.environ["HOOKSIEVE_PROJECT"], "userId": "ada"}]


@schemathesis.hook
def flatmap_path_parameters(context, generated):
    operation = context.operation
    there = [values for path, values in THERE.items() if operation.path.startswith(path)]
    choices = [generated, *(there[0] if there else [])]
    if operation.method == "delete":
        # Something that is not there where nothing else is left: what is thrown away counts against the operation.
        choices = [choice for choice in choices if choice not in STAYS] or [dict.fromkeys(generated, "not-there")]
    return st.sampled_from(choices)


EVENT_TYPES = ["TODO_CREATED", "TODO_DELETED", "TODO_DONE_STATUS_UPDATED", "COMMENT_UPDATED", "TAG_CREATED"]
FILTER = call("/v1/filters/done-records/wasm")
PATH = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._~%2F?&=", max_size=40)

# Times about now, of which some are past.
TIMES = st.datetimes(datetime(2015, 1, 1), datetime(2035, 1, 1)).map(lambda time: time.isoformat() + "Z")

schemathesis.openapi.format("date-time", TIMES)
schemathesis.openapi.format("event-type", st.sampled_from(EVENT_TYPES))
schemathesis.openapi.format("uri", PATH.map(lambda path: f"{RECEIVER}/{path}"))
schemathesis.openapi.format("filter-id", st.sampled_from(["done-records", "due-date-moved", "field-match"]))
schemathesis.openapi.format("signing-secret", st.text(st.characters(codec="ascii"), min_size=1, max_size=256))
schemathesis.openapi.format("header-name", st.from_regex(r"\Ax-[a-z0-9-]{1,40}\Z"))
schemathesis.openapi.media_type(
    "application/wasm",
    st.one_of(st.just(FILTER), st.binary(max_size=64), st.integers(8, len(FILTER)).map(lambda end: FILTER[:end])),
)


@schemathesis.serializer("application/wasm")
def wasm(_context, value):
    """The bytes as they are; what negative testing makes instead of bytes as its text."""
    return value if isinstance(value, bytes) else str(value).encode()


succeeded = set()


@schemathesis.check
def accepted_or_refused_for_a_reason(_context, response, case):
    """Valid data is accepted, or refused by a rule that the schema cannot say."""
    if 200 <= response.status_code < 300:
        succeeded.add(case.operation.label)
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code != 400:
        return
    problem = response.json()
    reasons = JUDGED_BY_THE_HOST.get(case.operation.label, [])
    pointers = [error["pointer"] for error in problem["errors"]]
    if pointers and all(any(is_at(pointer, reason) for reason in reasons) for pointer in pointers):
        return
    raise RejectedPositiveData(
        operation=case.operation.label,
        message=f"Valid data was refused: {problem}",
        status_code=400,
        allowed_statuses=["2xx"],
    )


def is_at(pointer, place):
    return pointer == place or (place != "" and pointer.startswith(place + "/"))


@atexit.register
def tell_which_operations_succeeded():
    with open(os.environ["HOOKSIEVE_SUCCEEDED"], "w", encoding="utf-8") as file:
        json.dump(sorted(succeeded), file)
