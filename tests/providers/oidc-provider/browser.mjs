// Stands in for the browser of a client: follows redirects with cookies, up to the client's callback.

const MOST_STEPS = 10;

/** Logs in at the provider; returns the callback's URL, which has not been asked. */
export async function walk(start) {
  const callback = new URL(start).searchParams.get('redirect_uri');
  const cookies = new Map();
  let url = new URL(start);
  for (let steps = 0; steps < MOST_STEPS; steps += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { redirect: 'manual', headers: { cookie }, signal: AbortSignal.timeout(15_000) });
    const location = response.headers.get('location');
    if (!location) throw new Error(`no redirect from ${url.pathname}: ${response.status} ${await response.text()}`);
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      cookies.set(name, value);
    }
    url = new URL(location, url);
    if (url.href.startsWith(callback)) return url;
  }
  throw new Error('too many redirects');
}
