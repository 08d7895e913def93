// Uses openid-client and jose as a tenant's server and a verifier of tokens do. Reads {issuer,
// client, secret, keyClient, jwk, rsa} and writes a report; clients_test.go checks it.
import {readFileSync} from 'node:fs';
import * as jose from 'jose';
import * as client from 'openid-client';

const input = JSON.parse(readFileSync(0));
const local = {algorithm: 'oauth2', execute: [client.allowInsecureRequests]};
const discover = (id, auth) => client.discovery(new URL(input.issuer), id, {}, auth, local);

/** lifecycle returns what a client sees of a token, from its issue to its revocation. */
async function lifecycle(config) {
  const {access_token: token, token_type, expires_in, scope} = await client.clientCredentialsGrant(config, {subject: 'visitor-1'});
  const before = await client.tokenIntrospection(config, token);
  await client.tokenRevocation(config, token);
  const after = await client.tokenIntrospection(config, token);
  return {token_type, expires_in, scope, before, after};
}

/** errorOf returns the error of a rejected promise, or none. */
const errorOf = (promise) => promise.then(() => 'none', (e) => `${e.code} ${e.status ?? e.error ?? ''}`.trim());

const withSecret = await discover(input.client, client.ClientSecretBasic(input.secret));
const metadata = withSecret.serverMetadata();
const withForm = await discover(input.client, client.ClientSecretPost(input.secret));
const {kty, crv} = input.jwk;
const key = await jose.importJWK(input.jwk, kty === 'EC' ? 'ES256' : 'Ed25519');
const withKey = await discover(input.keyClient, client.PrivateKeyJwt(key));
const withRSA = async (alg) => discover(input.keyClient, client.PrivateKeyJwt(await jose.importJWK(input.rsa, alg)));
const wrongSecret = await discover(input.client, client.ClientSecretBasic('wrong'));

const {access_token: token} = await client.clientCredentialsGrant(withSecret);
const keys = jose.createRemoteJWKSet(new URL(metadata.jwks_uri));
const rules = {issuer: input.issuer, audience: input.issuer, typ: 'at+jwt', requiredClaims: ['client_id', 'jti', 'iat', 'exp']};
const {payload, protectedHeader} = await jose.jwtVerify(token, keys, rules);
const [head, body, signature] = token.split('.');
const forged = [head, body, signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))].join('.');

process.stdout.write(JSON.stringify({
  issuer: metadata.issuer,
  basic: await lifecycle(withSecret), form: await lifecycle(withForm), key: await lifecycle(withKey),
  rs256: await lifecycle(await withRSA('RS256')), ps256: await lifecycle(await withRSA('PS256')),
  header: protectedHeader, claims: payload,
  forged: await errorOf(jose.jwtVerify(forged, keys, rules)),
  otherAudience: await errorOf(jose.jwtVerify(token, keys, {...rules, audience: 'https://other.example'})),
  wrongSecret: await errorOf(client.clientCredentialsGrant(wrongSecret)),
  scope: await errorOf(client.clientCredentialsGrant(withSecret, {scope: 'admin'})),
}));
