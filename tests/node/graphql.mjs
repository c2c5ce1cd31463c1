// Drives a host through a webhook's life as a JavaScript program would, and prints what it saw.

import { ClientError, GraphQLClient, gql } from 'graphql-request';

const token = process.env.HOOKSIEVE_TOKEN;
const [, id, secret] = token.split('_');
const client = new GraphQLClient(process.env.HOOKSIEVE_GRAPHQL, {
  headers: { 'X-Bloo-Token-ID': id, 'X-Bloo-Token-Secret': secret, 'X-Bloo-Company-ID': 'rogue' },
});

const CREATE = gql`
  mutation CreateWebhook($input: CreateWebhookInput!) {
    createWebhook(input: $input) { id name secret status enabled events }
  }`;
const LIST = gql`
  query ListWebhooks($filter: WebhookFilter, $skip: Int, $take: Int) {
    webhooks(filter: $filter, skip: $skip, take: $take) { items { id secret } pageInfo { totalItems } }
  }`;
const UPDATE = gql`
  mutation UpdateWebhook($input: UpdateWebhookInput!) {
    updateWebhook(input: $input) { name url events }
  }`;
const DISABLE = gql`mutation ($input: DisableWebhookInput!) { disableWebhook(input: $input) { success } }`;
const SHOW = gql`query ($id: String!) { webhook(id: $id) { enabled status } }`;
const DELETE = gql`mutation ($input: DeleteWebhookInput!) { deleteWebhook(input: $input) { success operationId } }`;

async function refused(document, variables) {
  try {
    await client.request(document, variables);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    const [first] = error.response.errors;
    return [first.message, first.extensions.code];
  }
  throw new Error('this should be refused');
}

const url = 'https://127.0.0.1:8443/';
const created = (await client.request(CREATE, { input: { name: 'Theirs', url, events: ['TODO_CREATED'] } })).createWebhook;
const listed = (await client.request(LIST, { filter: { enabled: true }, skip: 0, take: 20 })).webhooks;
const update = { webhookId: created.id, url: 'https://127.0.0.1:9443/', events: ['TODO_MOVED', 'COMMENT_CREATED'] };
const updated = (await client.request(UPDATE, { input: update })).updateWebhook;
const input = { webhookId: created.id };
const { success } = (await client.request(DISABLE, { input })).disableWebhook;
const disabled = (await client.request(SHOW, { id: created.id })).webhook;
const deleted = (await client.request(DELETE, { input })).deleteWebhook;

process.stdout.write(JSON.stringify({
  created: {
    name: created.name,
    status: created.status,
    enabled: created.enabled,
    events: created.events,
    hasSecret: created.secret.startsWith('whsec_'),
  },
  listed: { items: listed.items.length, totalItems: listed.pageInfo.totalItems, secret: listed.items[0].secret },
  updated,
  disabled: { success, ...disabled },
  deleted: deleted.success,
  refused: [
    await refused(CREATE, { input: { url: 'nonsense' } }),
    await refused(CREATE, { input: { url: 'http://10.0.0.1/' } }),
    await refused(CREATE, { input: { url, projectIds: ['not-theirs'] } }),
    await refused(SHOW, { id: created.id }),
  ],
}));
