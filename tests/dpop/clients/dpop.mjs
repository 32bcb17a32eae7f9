// panva's dpop, which makes proofs and nothing else: requests and nonces are ours.

import { generateKeyPair, generateProof } from 'dpop';

export async function ask({ issuer, machine, resource, api, algorithm, fetch }) {
  const keys = await generateKeyPair(algorithm);
  const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  const nonces = new Map();

  /** Sends a request with a proof, and once more where a nonce is asked for. */
  async function send(url, options, token) {
    const { origin, pathname } = new URL(url);
    const target = `${origin}${pathname}`;
    for (let attempt = 1; ; attempt += 1) {
      const proof = await generateProof(keys, target, options.method, nonces.get(origin), token);
      const answer = await fetch(url, { ...options, headers: { ...options.headers, dpop: proof } });
      const nonce = answer.headers.get('dpop-nonce');
      if (nonce) nonces.set(origin, nonce);
      const isAsked = [400, 401].includes(answer.status) && (await asksForNonce(answer.clone()));
      if (!isAsked || attempt > 1) return answer;
    }
  }

  const authorization = `Basic ${Buffer.from(`${machine.id}:${machine.secret}`).toString('base64')}`;
  const body = new URLSearchParams({ grant_type: 'client_credentials', resource, scope: 'read:orders' });
  const answer = await send(metadata.token_endpoint, { method: 'POST', headers: { authorization }, body });
  const tokens = await answer.json();
  if (!answer.ok) throw new Error(`${answer.status} ${JSON.stringify(tokens)}`);
  const token = tokens.access_token;
  const headers = { authorization: `DPoP ${token}` };
  return { token, type: tokens.token_type, answer: await send(api, { method: 'GET', headers }, token) };
}

/** RFC 9449 §8 and §9: `error` in the body of the one, in the challenge of the other. */
async function asksForNonce(answer) {
  const challenge = answer.headers.get('www-authenticate') ?? '';
  return challenge.includes('use_dpop_nonce') || (await answer.text()).includes('use_dpop_nonce');
}
