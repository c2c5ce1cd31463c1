"""Drives a host through a webhook's life as a Python program would, and prints what it saw."""

import json
import os

from gql import Client, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport

token = os.environ["HOOKSIEVE_TOKEN"]
transport = RequestsHTTPTransport(
    url=os.environ["HOOKSIEVE_GRAPHQL"], headers={"Authorization": f"Bearer {token}"}
)
# It reads the schema first, and checks every document against it before it is sent.
client = Client(transport=transport, fetch_schema_from_transport=True)

CREATE = gql(
    """
    mutation CreateWebhook($input: CreateWebhookInput!) {
      createWebhook(input: $input) { id name secret status enabled events }
    }
    """
)
LIST = gql(
    """
    query ListWebhooks($filter: WebhookFilter, $skip: Int, $take: Int) {
      webhooks(filter: $filter, skip: $skip, take: $take) { items { id secret } pageInfo { totalItems } }
    }
    """
)
UPDATE = gql(
    """
    mutation UpdateWebhook($input: UpdateWebhookInput!) {
      updateWebhook(input: $input) { name url events }
    }
    """
)
DISABLE = gql("mutation ($input: DisableWebhookInput!) { disableWebhook(input: $input) { success } }")
SHOW = gql("query ($id: String!) { webhook(id: $id) { enabled status } }")
DELETE = gql("mutation ($input: DeleteWebhookInput!) { deleteWebhook(input: $input) { success operationId } }")


def run(document, **variables):
    document.variable_values = variables
    return client.execute(document)


def refused(document, **variables):
    try:
        run(document, **variables)
    except TransportQueryError as error:
        first = error.errors[0]
        return [first["message"], first["extensions"]["code"]]
    raise AssertionError("this should be refused")


url = "https://127.0.0.1:8443/"
created = run(CREATE, input={"name": "Theirs", "url": url, "events": ["TODO_CREATED"]})["createWebhook"]
listed = run(LIST, filter={"enabled": True}, skip=0, take=20)["webhooks"]
update = {"webhookId": created["id"], "url": "https://127.0.0.1:9443/", "events": ["TODO_MOVED", "COMMENT_CREATED"]}
updated = run(UPDATE, input=update)["updateWebhook"]
one = {"webhookId": created["id"]}
success = run(DISABLE, input=one)["disableWebhook"]["success"]
disabled = run(SHOW, id=created["id"])["webhook"]
deleted = run(DELETE, input=one)["deleteWebhook"]

print(
    json.dumps(
        {
            "created": {
                "name": created["name"],
                "status": created["status"],
                "enabled": created["enabled"],
                "events": created["events"],
                "hasSecret": created["secret"].startswith("whsec_"),
            },
            "listed": {
                "items": len(listed["items"]),
                "totalItems": listed["pageInfo"]["totalItems"],
                "secret": listed["items"][0]["secret"],
            },
            "updated": updated,
            "disabled": {"success": success, **disabled},
            "deleted": deleted["success"],
            "refused": [
                refused(CREATE, input={"url": "nonsense"}),
                refused(CREATE, input={"url": "http://10.0.0.1/"}),
                refused(CREATE, input={"url": url, "projectIds": ["not-theirs"]}),
                refused(SHOW, id=created["id"]),
            ],
        }
    )
)
