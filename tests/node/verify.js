// Reads one delivery, {body, headers, secret}, and prints what each way to verify makes of it.

const crypto = require('crypto');
const { Webhook } = require('standardwebhooks');

// The guide's sample ("Sample Validation in Node.js"), with the body as it came.
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

function standard(body, headers, secret) {
  try {
    new Webhook(secret).verify(body, headers);
    return true;
  } catch (error) {
    return error.message;
  }
}

const { body, headers, secret } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const signature = headers['x-signature'];
process.stdout.write(JSON.stringify({
  guide: guide(body, signature, secret),
  api: verifySignature(JSON.parse(body), signature, secret),
  standard: standard(body, headers, secret),
}));
