// A receiver as people write it with Express: `/raw` verifies what came, `/parsed` what `express.json()` made of it.

const express = require('express');
const { judgeRaw, judgeParsed, listening } = require('./receiver');

// Express takes 100 kB if nobody says otherwise; records can be larger.
const limit = '10mb';
const answer = (response, { status, ways }) => response.status(status).json(ways);

const app = express();
app.post(/\/raw\//, express.raw({ type: 'application/json', limit }), (request, response) =>
  answer(response, judgeRaw(request.path, request.headers, request.body)));
app.post(/\/parsed\//, express.json({ limit }), (request, response) =>
  answer(response, judgeParsed(request.path, request.headers, request.body)));

const server = app.listen(0, '127.0.0.1', () => listening(server.address()));
