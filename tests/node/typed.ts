// An integrator's program: a client with the types that openapi-typescript makes of the host's own document.

import createClient from "openapi-fetch";
import type { paths } from "./api";

// The little of Node that this needs, in place of its types.
declare const process: { argv: string[] };

const [, , baseUrl, token, receiver] = process.argv;
const client = createClient<paths>({ baseUrl, headers: { Authorization: `Bearer ${token}` } });

// What the types must refuse; never called. A mistake that is none is an error for the type checker.
export async function mistakes() {
  // @ts-expect-error: a URL is text
  await client.POST("/v1/webhooks", { body: { url: 7 } });
  // @ts-expect-error: there is no such state
  await client.GET("/v1/webhooks/{id}/deliveries", { params: { path: { id: "x" }, query: { state: "lost" } } });
  // @ts-expect-error: there is no such route
  await client.GET("/v1/webhooks/{id}/delivery", { params: { path: { id: "x" } } });
  // @ts-expect-error: an event without its project
  await client.POST("/v1/events", { body: { event: "TODO_CREATED" } });
}

async function main() {
  const registered = await client.POST("/v1/webhooks", {
    body: {
      url: receiver,
      name: "From TypeScript",
      events: ["TODO_CREATED"],
      filter: { id: "field-match", config: { pointer: "/currentValue/done", operator: "eq", value: true } },
      headers: { "x-from": "typescript" },
    },
  });
  if (!registered.data) throw new Error(registered.error.detail);
  const { id, secret, filter } = registered.data;
  const status: "OK" | "FAILING" | undefined = filter?.status;

  const tested = await client.POST("/v1/webhooks/{id}/test", {
    params: { path: { id } },
    body: { event: "TODO_DONE_STATUS_UPDATED" },
  });
  if (!tested.data) throw new Error(tested.error.detail);
  let deliveries: { isTest: boolean; eventId: string }[] = [];
  while (deliveries.length === 0) {
    const listed = await client.GET("/v1/webhooks/{id}/deliveries", {
      params: { path: { id }, query: { state: "delivered", limit: 10 } },
    });
    if (!listed.data) throw new Error(listed.error.detail);
    deliveries = listed.data.items;
  }

  const refused = await client.POST("/v1/webhooks", { body: { url: "http://10.0.0.1/" } });
  const code: string | undefined = refused.error?.code;

  const delivered = deliveries.map((delivery) => delivery.isTest && delivery.eventId === tested.data.id);
  console.log(JSON.stringify({ id, secret, status, delivered, code }));
}

main();
