// Puts requests to oauth4webapi: one JSON request in each line of stdin, one verdict in each line of stdout.
//
// A line is {"url", "method", "headers", "jwks", "issuer", "audience"}; the verdict is "accepted", or why it was refused.

import { createInterface } from 'node:readline';

import * as oauth from 'oauth4webapi';

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await verdict(JSON.parse(line)))}\n`);
}

async function verdict({ url, method, headers, jwks, issuer, audience }) {
  const server = { issuer, jwks_uri: `${issuer}jwks` };
  const keys = async () => new Response(JSON.stringify(jwks), { headers: { 'content-type': 'application/json' } });
  try {
    const request = new Request(url, { method, headers });
    await oauth.validateJwtAccessToken(server, request, audience, { [oauth.customFetch]: keys });
    return 'accepted';
  } catch (error) {
    return `refused: ${error.cause?.message ?? error.message}`;
  }
}
