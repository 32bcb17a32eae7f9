// A real authorization server on loopback for the MCP clients: any client registers itself, logs in without a page,
// and gets a JWT for whatever resource it asks for.
//
//   node provider.mjs --port N --keys FILE [--refresh always]
//
// A client gets a refresh token if it asks for `offline_access`, as at most providers, or `always`.
// FILE is a JSON Web Key Set with private keys, so that a restart keeps the keys and the tests can sign tokens of their
// own. When it listens, it prints one line of JSON on stdout, {"issuer", "port"}; everything else goes to stderr.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { Provider } from 'oidc-provider';

import { logInWithoutAsking, login, serve } from '../providers/oidc-provider/loopback.mjs';

const SCOPES = ['read:orders', 'write:orders'];

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    keys: { type: 'string' },
    refresh: { type: 'string', default: 'offline_access' },
  },
});
const jwks = JSON.parse(readFileSync(options.keys, 'utf8'));

serve(Number(options.port), createProvider);

function createProvider(issuer) {
  const provider = new Provider(issuer, {
    clientDefaults: { grant_types: ['authorization_code', 'refresh_token'], id_token_signed_response_alg: 'ES384' },
    // Browser clients ask the token endpoint from another origin.
    clientBasedCORS: () => true,
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    enabledJWA: { idTokenSigningAlgValues: ['ES384'] },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo: (_ctx, resource) => ({
          scope: SCOPES.join(' '),
          audience: resource,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES384' } },
        }),
        useGrantedResource: () => true,
      },
    },
    ...login,
    issueRefreshToken: (_ctx, client, code) =>
      client.grantTypeAllowed('refresh_token') && (options.refresh === 'always' || code.scopes.has('offline_access')),
    jwks,
    pkce: { required: () => true },
    scopes: ['openid', 'offline_access', ...SCOPES],
    ttl: { AccessToken: 3600, Grant: 86400, IdToken: 3600, Interaction: 600, RefreshToken: 86400, Session: 86400 },
  });
  provider.use(leaveScopeOpen);
  logInWithoutAsking(provider);
  return provider;
}

/**
 * Takes `scope` out of a registration. Clients register with the scope of the first challenge; a client that has a
 * scope can never ask for more, so no server could ask it to step up.
 */
async function leaveScopeOpen(ctx, next) {
  if (ctx.method !== 'POST' || ctx.path !== '/reg') return next();
  const chunks = [];
  for await (const chunk of ctx.req) chunks.push(chunk);
  const { scope: _scope, ...metadata } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  ctx.req.body = metadata;
  return next();
}
