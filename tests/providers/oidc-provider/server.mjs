// A real OpenID provider on loopback, for the end-to-end tests.
//
//   node server.mjs [--port N] [--dpop-nonce]      port 0 (the default) picks a free one
//
// Tokens are bound to the key of a DPoP proof where a client sends one; with --dpop-nonce, each proof needs a nonce.
//
// When it listens, it prints one line of JSON on stdout, {"issuer", "port"}; everything else goes to stderr.
// Every start makes fresh signing keys, so that a restart on the same port is a rotation of all keys.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';

import { Provider, errors } from 'oidc-provider';

import { machine, web } from './clients.mjs';
import { logInWithoutAsking, login, serve } from './loopback.mjs';

const SCOPES = 'read:orders write:orders';

/** The APIs that tokens can be asked for, by resource indicator. */
const RESOURCES = {
  'https://orders.example.com': { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES384' } } },
  'https://reports.example.com': { accessTokenFormat: 'jwt', jwt: { sign: { alg: 'RS256' } } },
  'https://legacy.example.com': { accessTokenFormat: 'opaque' },
};

const { values: options } = parseArgs({
  options: { port: { type: 'string', default: '0' }, 'dpop-nonce': { type: 'boolean', default: false } },
});

serve(Number(options.port), createProvider);

function createProvider(issuer) {
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: machine.id,
        client_secret: machine.secret,
        grant_types: ['client_credentials'],
        introspection_signed_response_alg: 'ES384',
        redirect_uris: [],
        response_types: [],
      },
      {
        client_id: web.id,
        client_secret: web.secret,
        grant_types: ['authorization_code'],
        introspection_signed_response_alg: 'ES384',
        redirect_uris: [web.redirectUri],
        response_types: ['code'],
        id_token_signed_response_alg: 'ES384',
      },
    ],
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    enabledJWA: {
      dPoPSigningAlgValues: ['ES256', 'Ed25519', 'EdDSA'],
      idTokenSigningAlgValues: ['ES384', 'RS256'],
      introspectionSigningAlgValues: ['ES384'],
    },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => options['dpop-nonce'] },
      introspection: { enabled: true },
      jwtIntrospection: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_ctx, resource) {
          if (!Object.hasOwn(RESOURCES, resource)) throw new errors.InvalidTarget();
          return { scope: SCOPES, audience: resource, ...RESOURCES[resource] };
        },
      },
    },
    ...login,
    jwks: { keys: [signingKey('ec', { namedCurve: 'P-384' }), signingKey('rsa', { modulusLength: 2048 })] },
    ttl: { AccessToken: 3600, ClientCredentials: 3600, IdToken: 3600 },
  });
  logInWithoutAsking(provider);
  return provider;
}

/**
 * A fresh private JWK; the provider derives the `kid` from the key itself. It is exported while it is made: to export it afterwards
 * can wait for itself in Node.js 20, when what made the key is collected meanwhile.
 */
function signingKey(type, parameters) {
  const format = 'jwk';
  const { privateKey } = generateKeyPairSync(type, {
    ...parameters,
    privateKeyEncoding: { type: 'pkcs8', format },
    publicKeyEncoding: { type: 'spki', format },
  });
  return { ...privateKey, use: 'sig' };
}
