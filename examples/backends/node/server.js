// A tenant's token endpoint in Node.js: the tenant's pages POST to
// /stile/token, and get a token of their own from the publisher's stile.
import {createServer} from 'node:http';
import * as client from 'openid-client';

const {STILE_API, STILE_CLIENT_ID, STILE_CLIENT_SECRET, PORT} = process.env;
const publisher = new client.Configuration(
  {issuer: STILE_API, token_endpoint: `${STILE_API}/oauth/token`},
  STILE_CLIENT_ID, {}, client.ClientSecretBasic(STILE_CLIENT_SECRET));
publisher.timeout = 5; // seconds
if (STILE_API.startsWith('http://localhost') || STILE_API.startsWith('http://127.0.0.1')) {
  client.allowInsecureRequests(publisher); // to try it on one machine
}

createServer(async (request, response) => {
  const answer = (status, body) => response
    .writeHead(status, {'Content-Type': 'application/json', 'Cache-Control': 'no-store'})
    .end(JSON.stringify(body));
  if (request.method !== 'POST' || request.url !== '/stile/token') {
    return answer(404, {error: 'Only POST /stile/token is here.'});
  }
  if (!sameOrigin(request.headers)) {
    return answer(403, {error: "Only this site's own pages get a token here."});
  }
  try {
    // openid-client keeps no tokens. Don't keep this one either: it is bound
    // to the first visitor who uses it, and dies with the second.
    const fresh = await client.clientCredentialsGrant(publisher);
    answer(200, {access_token: fresh.access_token});
  } catch (e) {
    console.error('no token from the publisher:', e.message, e.error ?? e.status ?? e.cause?.code ?? '');
    answer(502, {error: 'The publisher gives no token at the moment.'});
  }
}).listen(PORT, '127.0.0.1');

// sameOrigin says that a page of this very site asks. Every browser says so,
// and no page can lie. Programs can: check your visitor's session here too, and
// limit how many tokens one gets.
function sameOrigin(headers) {
  if (headers['sec-fetch-site']) return headers['sec-fetch-site'] === 'same-origin';
  const {origin, host} = headers; // what is left for older browsers, and for plain http
  return origin === `https://${host}` || origin === `http://${host}`;
}
