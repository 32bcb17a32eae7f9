// Lets a client of others get a token that is bound to its key and call an API with it, then plays a thief.
//
//   node client.mjs CLIENT ISSUER RESOURCE API ALGORITHM [OTHER]
//
// CLIENT is a file of `clients`, and OTHER another URL of the API, which is API/other without it. Prints one line of JSON: what the client was answered, and what whoever copied its request, or
// its token, is answered.

import { generateKeyPair, generateProof } from 'dpop';

const [name, issuer, resource, api, algorithm, other = `${api}/other`] = process.argv.slice(2);
const { ask } = await import(`./clients/${name}.mjs`);

/** The requests to the API as the client has sent them. */
const sent = [];

async function recorded(url, options = {}) {
  const target = new URL(url);
  if (target.href.startsWith(new URL(api).origin)) {
    const headers = Object.fromEntries(new Headers(options.headers));
    sent.push({ url: target.href, method: options.method ?? 'GET', headers });
  }
  return fetch(url, options);
}

const machine = { id: 'machine', secret: 'machine-secret' };
const { token, type, answer } = await ask({ issuer, machine, resource, api, algorithm, fetch: recorded });
const body = await answer.text();

const last = sent.at(-1);
const authorization = { authorization: `DPoP ${token}` };
const stranger = await generateProof(await generateKeyPair('ES256'), api, 'GET', undefined, token);
const header = JSON.parse(Buffer.from(last.headers.dpop.split('.')[0], 'base64url'));
process.stdout.write(
  `${JSON.stringify({
    type,
    requests: sent.length,
    algorithm: header.alg,
    status: answer.status,
    body,
    copied: await told(last.url, last),
    elsewhere: await told(other, last),
    another_method: await told(last.url, { ...last, method: 'POST' }),
    without_proof: await told(api, { headers: authorization }),
    as_bearer: await told(api, { headers: { authorization: `Bearer ${token}` } }),
    by_stranger: await told(api, { headers: { ...authorization, dpop: stranger } }),
  })}\n`,
);

/** Status and reason of an answer. */
async function told(url, { method = 'GET', headers }) {
  const answer = await fetch(url, { method, headers });
  const text = await answer.text();
  const isOurs = answer.headers.get('content-type')?.startsWith('application/json');
  const { code, reason } = answer.ok || !isOurs ? {} : JSON.parse(text);
  return [answer.status, code, reason].filter((part) => part).join(' ');
}
