// What the receivers here have in common: which secret, what is answered, and a line on stdout for whoever watches.

const { guide, verifySignature, standard } = require('./samples');

// By the last segment of the path, since a receiver keeps one secret for each webhook.
const secrets = JSON.parse(process.env.SECRETS);

// Judges the raw body of a request.
function judgeRaw(path, headers, body) {
  const secret = secrets[path.split('/').pop()];
  return answer(path, headers, {
    guide: guide(body, headers['x-signature'], secret),
    standard: standard(body, headers, secret),
  });
}

// Judges a body that the framework has parsed.
function judgeParsed(path, headers, body) {
  const secret = secrets[path.split('/').pop()];
  return answer(path, headers, { api: verifySignature(body, headers['x-signature'], secret) });
}

const seen = new Set();

function answer(path, headers, ways) {
  const isGenuine = Object.values(ways).every(Boolean);
  const isFirst = !seen.has(headers['webhook-id']);
  seen.add(headers['webhook-id']);
  // Who is down at first sees every delivery again.
  const isDown = path.startsWith('/down-at-first/') && isFirst;
  const status = isDown ? 503 : isGenuine ? 200 : 401;
  process.stdout.write(JSON.stringify({ path, id: headers['webhook-id'], status, ways }) + '\n');
  return { status, ways };
}

function listening(address) {
  process.stdout.write(`http://127.0.0.1:${address.port}\n`);
}

// The test that started it has gone when its end of the pipe is closed.
process.stdin.on('end', () => process.exit()).resume();

module.exports = { judgeRaw, judgeParsed, listening };
