// A small authorization server: npm's oidc-provider for client credentials. The variable PROVIDER
// is {port, alg, clients: {id: secret}, rotate}. keys.json stores the keys between starts. The
// resource that a client names becomes the audience. If it begins with urn:opaque: or urn:named:,
// the token is opaque. The introspection of the latter includes a jti, which oidc-provider leaves
// out. With {redirect}, the client console can have people sign in: as whoever login_hint names,
// without a question. A login_hint is NAME.GROUP.GROUP….
import {createHash} from 'node:crypto';
import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {exportJWK, generateKeyPair} from 'jose';
import Provider from 'oidc-provider';

const {port, alg, clients, rotate, redirect} = JSON.parse(process.env.PROVIDER);

/** keys returns the private keys; the first one signs. */
async function keys() {
  const old = existsSync('keys.json') ? JSON.parse(readFileSync('keys.json')) : [];
  const kept = {'': old, add: old, replace: []}[rotate];
  if (rotate || !old.length) {
    const {privateKey} = await generateKeyPair(alg, {extractable: true});
    kept.unshift({...await exportJWK(privateKey), alg, use: 'sig'});
  }
  writeFileSync('keys.json', JSON.stringify(kept));
  return kept;
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: {keys: await keys()},
  clients: Object.entries(clients).map(([client_id, client_secret]) => ({
    client_id, client_secret, grant_types: ['client_credentials'], redirect_uris: [], response_types: [],
    id_token_signed_response_alg: alg,
  })).concat(redirect ? [{
    client_id: 'console', client_secret: 'c'.repeat(40), grant_types: ['authorization_code'], redirect_uris: [redirect], response_types: ['code'],
    id_token_signed_response_alg: alg,
  }] : []),
  claims: {openid: ['sub'], profile: ['preferred_username', 'groups']},
  findAccount: (_, id) => {
    const [name, ...groups] = id.split('.');
    return {accountId: id, claims: () => ({sub: id, preferred_username: name, groups})};
  },
  loadExistingGrant: async ctx => {
    const grant = new ctx.oidc.provider.Grant({clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId});
    grant.addOIDCScope('openid profile');
    await grant.save();
    return grant;
  },
  features: {
    clientCredentials: {enabled: true},
    introspection: {enabled: true},
    revocation: {enabled: true},
    devInteractions: {enabled: false},
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, resource) => ({
        scope: 'content', audience: resource, accessTokenTTL: 600,
        accessTokenFormat: /^urn:(opaque|named):/.test(resource) ? 'opaque' : 'jwt', jwt: {sign: {alg}},
      }),
    },
  },
  ttl: {ClientCredentials: 600},
  enabledJWA: {idTokenSigningAlgValues: [alg]},
});
provider.use(async (ctx, next) => {
  await next();
  if (ctx.oidc?.route === 'introspection' && ctx.body.aud?.startsWith('urn:named:')) {
    ctx.body.jti = createHash('sha256').update(ctx.oidc.params.token).digest('base64url');
  }
});
provider.use(async (ctx, next) => {
  if (!ctx.path.startsWith('/interaction/')) return next();
  const {params} = await provider.interactionDetails(ctx.req, ctx.res);
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, {login: {accountId: params.login_hint}}));
});
provider.listen(port, '127.0.0.1');
