// Asks a running server.mjs for a token, as a client would, and prints it on stdout.
//
//   node tokens.mjs ISSUER access RESOURCE [SCOPE...]    access token by client credentials
//   node tokens.mjs ISSUER revoke TOKEN                  nothing: the token is revoked
//   node tokens.mjs ISSUER id [NONCE]                    ID token by the authorization code flow, login included

import { createHash, randomBytes } from 'node:crypto';

import { walk } from './browser.mjs';
import { machine, web } from './clients.mjs';

const [issuer, kind, ...rest] = process.argv.slice(2);
const requests = { access: accessToken, id: idToken, revoke };
if (!issuer || !Object.hasOwn(requests, kind ?? '')) {
  console.error('usage: node tokens.mjs ISSUER access RESOURCE [SCOPE...] | ISSUER revoke TOKEN | ISSUER id [NONCE]');
  process.exit(2);
}
const metadata = await json(await fetch(`${issuer}/.well-known/openid-configuration`));
process.stdout.write(`${await requests[kind](...rest)}\n`);

async function accessToken(resource, ...scopes) {
  const answer = await tokenRequest(machine, {
    grant_type: 'client_credentials',
    resource,
    ...(scopes.length > 0 && { scope: scopes.join(' ') }),
  });
  return answer.access_token;
}

async function revoke(token) {
  const response = await fetch(metadata.revocation_endpoint, clientRequest(machine, { token }));
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${await response.text()}`);
  return '';
}

async function idToken(nonce) {
  const verifier = randomBytes(32).toString('base64url');
  const start = new URL(metadata.authorization_endpoint);
  start.search = new URLSearchParams({
    client_id: web.id,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    redirect_uri: web.redirectUri,
    response_type: 'code',
    scope: 'openid',
    ...(nonce && { nonce }),
  });
  const callback = await walk(start);
  const answer = await tokenRequest(web, {
    grant_type: 'authorization_code',
    code: callback.searchParams.get('code'),
    code_verifier: verifier,
    redirect_uri: web.redirectUri,
  });
  return answer.id_token;
}

async function tokenRequest(client, form) {
  return json(await fetch(metadata.token_endpoint, clientRequest(client, form)));
}

function clientRequest(client, form) {
  return {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}` },
    body: new URLSearchParams(form),
  };
}

async function json(response) {
  const body = await response.text();
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}: ${body}`);
  return JSON.parse(body);
}
