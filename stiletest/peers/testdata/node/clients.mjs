// Does with openid-client and jose what a tenant's server and a verifier of
// tokens do. Reads {issuer, client, secret, keyClient, jwk} and writes what
// happened; clients_test.go says what must have.
import {readFileSync} from 'node:fs';
import * as jose from 'jose';
import * as client from 'openid-client';

const ask = JSON.parse(readFileSync(0));
const local = {algorithm: 'oauth2', execute: [client.allowInsecureRequests]};
const discover = (id, auth) => client.discovery(new URL(ask.issuer), id, {}, auth, local);

/** life is a token from its issue to its end, as its client sees it. */
async function life(config) {
  const {access_token: token, token_type, expires_in, scope} = await client.clientCredentialsGrant(config, {subject: 'visitor-1'});
  const before = await client.tokenIntrospection(config, token);
  await client.tokenRevocation(config, token);
  const after = await client.tokenIntrospection(config, token);
  return {token_type, expires_in, scope, before, after};
}

/** refusal is why a promise was not kept. */
const refusal = (promise) => promise.then(() => 'none', (e) => `${e.code} ${e.status ?? e.error ?? ''}`.trim());

const withSecret = await discover(ask.client, client.ClientSecretBasic(ask.secret));
const metadata = withSecret.serverMetadata();
const withForm = await discover(ask.client, client.ClientSecretPost(ask.secret));
const {kty, crv} = ask.jwk;
const key = await jose.importJWK(ask.jwk, kty === 'EC' ? 'ES256' : 'Ed25519');
const withKey = await discover(ask.keyClient, client.PrivateKeyJwt(key));
const stranger = await discover(ask.client, client.ClientSecretBasic('wrong'));

const {access_token: token} = await client.clientCredentialsGrant(withSecret);
const keys = jose.createRemoteJWKSet(new URL(metadata.jwks_uri));
const rules = {issuer: ask.issuer, audience: ask.issuer, typ: 'at+jwt', requiredClaims: ['client_id', 'jti', 'iat', 'exp']};
const {payload, protectedHeader} = await jose.jwtVerify(token, keys, rules);
const [head, body, signature] = token.split('.');
const forged = [head, body, signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))].join('.');

process.stdout.write(JSON.stringify({
  issuer: metadata.issuer,
  basic: await life(withSecret), form: await life(withForm), key: await life(withKey),
  header: protectedHeader, claims: payload,
  forged: await refusal(jose.jwtVerify(forged, keys, rules)),
  otherAudience: await refusal(jose.jwtVerify(token, keys, {...rules, audience: 'https://other.example'})),
  stranger: await refusal(client.clientCredentialsGrant(stranger)),
  scope: await refusal(client.clientCredentialsGrant(withSecret, {scope: 'admin'})),
}));
