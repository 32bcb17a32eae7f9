// What the TypeScript servers have in common.
//
//   node SERVER.mjs --port N --issuer URL --resource URL --guard own|audience
//
// Each is guarded by what its SDK has, and nothing else; `audience` switches its check of the audience on. When it listens, it answers; it prints nothing.

import { parseArgs } from 'node:util';

import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

export const BASE = 'read:orders';
export const TOOL = 'write:orders';

export const listOrders = () => ({ content: [{ type: 'text', text: 'orders: 1, 2' }] });
export const createOrder = () => ({ content: [{ type: 'text', text: 'created: 3' }] });

export const { values: options } = parseArgs({
  options: { port: { type: 'string' }, issuer: { type: 'string' }, resource: { type: 'string' }, guard: { type: 'string' } },
});

/** The provider's metadata, which the SDKs' routers want. */
export async function providerMetadata() {
  const response = await fetch(`${options.issuer}/.well-known/openid-configuration`);
  return response.json();
}

/**
 * A token verifier as the SDK's documentation asks for one: it checks signature and issuer, and leaves to the SDK what
 * the SDK looks at (expiry, scopes). `invalid(message)` makes the SDK's error for a bad token; a key set that cannot be
 * fetched is thrown as it is.
 */
export function verifier(invalid) {
  const keys = createRemoteJWKSet(new URL(`${options.issuer}/jwks`));
  return {
    async verifyAccessToken(token) {
      const { payload } = await checked(token);
      return {
        token,
        clientId: payload.client_id ?? '',
        scopes: payload.scope?.split(' ') ?? [],
        expiresAt: payload.exp,
        resource: typeof payload.aud === 'string' ? asUrl(payload.aud) : undefined,
      };
    },
  };

  async function checked(token) {
    try {
      // The SDK looks at the expiry itself.
      return await jwtVerify(token, keys, { issuer: options.issuer, algorithms: ['ES384'], currentDate: new Date(0) });
    } catch (error) {
      const unreachable = ['ERR_JOSE_GENERIC', 'ERR_JWKS_TIMEOUT'].includes(error.code);
      if (error instanceof errors.JOSEError && !unreachable) throw invalid(error.message);
      throw error;
    }
  }
}

function asUrl(text) {
  return URL.canParse(text) ? new URL(text) : undefined;
}
