// openid-client, which repeats a request by itself when a server asks for a nonce.

import * as client from 'openid-client';

export async function ask({ issuer, machine, resource, api, algorithm, fetch }) {
  const config = await client.discovery(
    new URL(issuer),
    machine.id,
    machine.secret,
    client.ClientSecretBasic(machine.secret),
    { execute: [client.allowInsecureRequests], [client.customFetch]: fetch },
  );
  const keys = await client.randomDPoPKeyPair(algorithm);
  const DPoP = client.getDPoPHandle(config, keys);
  const tokens = await client.clientCredentialsGrant(config, { resource, scope: 'read:orders' }, { DPoP });
  const answer = await client.fetchProtectedResource(
    config,
    tokens.access_token,
    new URL(api),
    'GET',
    undefined,
    undefined,
    { DPoP },
  );
  return { token: tokens.access_token, type: tokens.token_type, answer };
}
