// The commands of driver.py, for the TypeScript clients: each line of stdin is answered with a line of JSON on stdout.

import { createInterface } from 'node:readline';

import { walk } from '../../providers/oidc-provider/browser.mjs';

const PATIENCE = 30_000; // milliseconds, for each command

/** Never asked: the browser's last redirect is read instead. */
const CALLBACK = 'http://127.0.0.1:9/callback';

/** What a TypeScript client keeps of a login, in memory. */
export class Login {
  logins = 0;

  constructor(name) {
    this.name = name;
  }

  get redirectUrl() {
    return CALLBACK;
  }

  get clientMetadata() {
    return {
      client_name: this.name,
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    };
  }

  clientInformation = () => this.client;
  saveClientInformation = (client) => void (this.client = client);
  tokens = () => this.saved;
  saveTokens = (tokens) => void (this.saved = tokens);
  saveCodeVerifier = (verifier) => void (this.verifier = verifier);
  codeVerifier = () => this.verifier;

  async redirectToAuthorization(url) {
    this.logins += 1;
    this.callback = await walk(url);
  }

  invalidateCredentials(what) {
    if (what === 'all' || what === 'client') this.client = undefined;
    if (what === 'all' || what === 'tokens') this.saved = undefined;
    if (what === 'all' || what === 'verifier') this.verifier = undefined;
  }
}

/**
 * Answers commands until stdin ends. `client.open()` resolves to the protocol's version, `client.call(tool)` to the
 * text of the result, `client.stored()` to the stored tokens or undefined, `client.logins()` to a number.
 */
export async function drive(client) {
  const commands = {
    open: async () => ({ protocol: await client.open() }),
    call: async (tool) => ({ text: await client.call(tool) }),
    close: async () => void (await client.close()),
    store: async () => {
      const tokens = await client.stored();
      return { tokens: Boolean(tokens), scope: tokens?.scope ?? null };
    },
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const [name, argument] = line.trim().split(/\s+/);
    let answer;
    try {
      answer = { ok: true, ...(await inTime(commands[name](argument))) };
    } catch (error) {
      answer = { ok: false, error: `${error.name}: ${error.message}` };
    }
    process.stdout.write(`${JSON.stringify({ ...answer, logins: client.logins() })}\n`);
  }
  process.exit(0);
}

function inTime(promise) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('timeout')), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** The text of a tool's result; a result that is an error is thrown. */
export function textOf(result) {
  const [{ text }] = result.content;
  if (result.isError) throw new Error(text);
  return text;
}

/**
 * A client of a TypeScript SDK. `connect(login)` makes a transport and a client that is not connected yet,
 * `Unauthorized` is what the SDK throws after it has sent the user to the browser, and `finish(transport, callback)`
 * hands the callback to it.
 */
export function sdkClient(name, { connect, Unauthorized, finish }) {
  const login = new Login(name);
  let session;

  /** What an application does: let the user log in where the SDK asks for it, then try again, once. */
  async function withLogin(action) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof Unauthorized)) throw error;
      await finish(session.transport, login.callback);
      return action();
    }
  }

  return {
    logins: () => login.logins,
    stored: () => login.saved,
    open: () =>
      withLogin(async () => {
        session = connect(login);
        await session.client.connect(session.transport);
        return session.protocol();
      }),
    call: (tool) => withLogin(async () => textOf(await session.client.callTool({ name: tool, arguments: {} }))),
    close: () => session.client.close(),
  };
}
