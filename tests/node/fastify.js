// A receiver as people write it with Fastify: `/raw` verifies what came, `/parsed` what its own parser made of it.

const fastify = require('fastify');
const { judgeRaw, judgeParsed, listening } = require('./receiver');

const app = fastify({
  // Fastify takes 1 MiB if nobody says otherwise; records can be larger.
  bodyLimit: 10_000_000,
  // It refuses a body with a member called `__proto__` or `constructor` if nobody says otherwise, and a record may
  // have one. JSON.parse makes plain members of them.
  onProtoPoisoning: 'ignore',
  onConstructorPoisoning: 'ignore',
});
const answer = (reply, { status, ways }) => reply.code(status).send(ways);

app.register(async (raw) => {
  raw.removeAllContentTypeParsers();
  raw.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  const handle = (request, reply) => answer(reply, judgeRaw(request.url, request.headers, request.body));
  raw.post('/raw/:webhook', handle);
  raw.post('/down-at-first/raw/:webhook', handle);
});
const handle = (request, reply) => answer(reply, judgeParsed(request.url, request.headers, request.body));
app.post('/parsed/:webhook', handle);
app.post('/down-at-first/parsed/:webhook', handle);

app.listen({ port: 0, host: '127.0.0.1' }).then(() => listening(app.server.address()));
