// A tenant's token endpoint in Node.js. Each of the tenant's pages sends POST /stile/token, and
// gets a token of its own from the publisher's stile.
import {createServer} from 'node:http';
import * as client from 'openid-client';

const {STILE_API, STILE_CLIENT_ID, STILE_CLIENT_SECRET, PORT} = process.env;
const publisher = new client.Configuration(
  {issuer: STILE_API, token_endpoint: `${STILE_API}/oauth/token`},
  STILE_CLIENT_ID, {}, client.ClientSecretBasic(STILE_CLIENT_SECRET));
publisher.timeout = 5; // seconds
if (STILE_API.startsWith('http://localhost') || STILE_API.startsWith('http://127.0.0.1')) {
  client.allowInsecureRequests(publisher); // to test on one machine
}

createServer(async (request, response) => {
  const respond = (status, body) => response
    .writeHead(status, {'Content-Type': 'application/json', 'Cache-Control': 'no-store'})
    .end(JSON.stringify(body));
  if (request.method !== 'POST' || request.url !== '/stile/token') {
    return respond(404, {error: 'Use POST /stile/token.'});
  }
  if (!sameOrigin(request.headers)) {
    return respond(403, {error: "Only pages of this site can get a token."});
  }
  try {
    // openid-client does not cache tokens. Don't cache this one either: it would be bound to the
    // first visitor, and die when the second uses it.
    const fresh = await client.clientCredentialsGrant(publisher);
    respond(200, {access_token: fresh.access_token});
  } catch (e) {
    console.error("can't get a token from the publisher:", e.message, e.error ?? e.status ?? e.cause?.code ?? '');
    respond(502, {error: 'The publisher does not provide tokens at the moment.'});
  }
}).listen(PORT, '127.0.0.1');

// sameOrigin reports whether a page of this site sent the request. Browsers always say so, and a
// page can't forge it, but a program can. Check your visitor's session here too, and limit the
// tokens of each visitor.
function sameOrigin(headers) {
  if (headers['sec-fetch-site']) return headers['sec-fetch-site'] === 'same-origin';
  const {origin, host} = headers; // for older browsers, and for plain HTTP
  return origin === `https://${host}` || origin === `http://${host}`;
}
