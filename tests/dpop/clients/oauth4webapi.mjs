// oauth4webapi, which tells its caller that a server asks for a nonce; the caller repeats the request.

import * as oauth from 'oauth4webapi';

export async function ask({ issuer, machine, resource, api, algorithm, fetch }) {
  const options = { [oauth.allowInsecureRequests]: true, [oauth.customFetch]: fetch };
  const url = new URL(issuer);
  const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, options));
  const client = { client_id: machine.id };
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair(algorithm));

  const tokens = await withNonce(async () => {
    const authentication = oauth.ClientSecretBasic(machine.secret);
    const parameters = new URLSearchParams({ resource, scope: 'read:orders' });
    const more = { DPoP, ...options };
    const answer = await oauth.clientCredentialsGrantRequest(server, client, authentication, parameters, more);
    return oauth.processClientCredentialsResponse(server, client, answer);
  });
  const answer = await withNonce(() =>
    oauth.protectedResourceRequest(tokens.access_token, 'GET', new URL(api), undefined, undefined, {
      DPoP,
      ...options,
    }),
  );
  return { token: tokens.access_token, type: tokens.token_type, answer };
}

async function withNonce(request) {
  try {
    return await request();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return request();
  }
}
