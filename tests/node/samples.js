// The ways in which receivers verify a delivery. Each answers true or false.

const crypto = require('crypto');
const { Webhook } = require('standardwebhooks');

// The guide's sample ("Sample Validation in Node.js") with the webhook's key and the body as it came: over the parsed
// body, as the guide's `{...webhookPayload}` has it, Node's `update` throws.
function guide(body, signature, key) {
  const hash = crypto.createHmac('sha256', key).update(body);
  return hash.digest('hex') === signature;
}

// The API document's sample ("Verifying Webhook Signatures"), letter by letter; the body is parsed JSON.
function verifySignature(body, signature, secret) {
  const hash = crypto
    .createHmac('sha256', secret)
    .update(JSON.stringify(body))
    .digest('hex');
  return hash === signature;
}

// The library takes `whsec_` secrets as they are, and any other as bytes: of a text it would take the UTF-16 units.
function standard(body, headers, secret) {
  const isKey = secret.startsWith('whsec_');
  try {
    const webhook = isKey ? new Webhook(secret) : new Webhook(Buffer.from(secret), { format: 'raw' });
    webhook.verify(body, headers);
    return true;
  } catch {
    return false;
  }
}

module.exports = { guide, verifySignature, standard };
