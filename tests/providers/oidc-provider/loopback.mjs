// What a provider of oidc-provider on loopback needs, whatever it is configured for. `tests/mcp/provider.mjs` uses it, too.

import { createServer } from 'node:http';

const HOST = '127.0.0.1';
const ACCOUNT = 'alice';

/**
 * Serves the provider that `create(issuer)` makes. When it listens, it prints one line of JSON on stdout,
 * {"issuer", "port"}; everything else goes to stderr.
 */
export function serve(port, create) {
  // oidc-provider prints its notices with console.info.
  console.info = console.error;

  const server = createServer();
  server.listen(port, HOST, () => {
    const { port } = server.address();
    // The issuer contains the port, so the provider can only be made once the port is known.
    const issuer = `http://${HOST}:${port}`;
    server.on('request', create(issuer).callback());
    process.stdout.write(`${JSON.stringify({ issuer, port })}\n`);
  });

  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => process.exit(0));
  }
}

/** The configuration of a login without a page: its URL, and the one account there is. */
export const login = {
  findAccount: (_ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  interactions: { url: (_ctx, interaction) => `/login/${interaction.uid}` },
};

/** Stands in for the login page: whoever comes is the one account there is, and consents to all that is asked. */
export function logInWithoutAsking(provider) {
  provider.use(async (ctx, next) => {
    if (!ctx.path.startsWith('/login/')) return next();
    const { params } = await provider.interactionDetails(ctx.req, ctx.res);
    const grant = new provider.Grant({ accountId: ACCOUNT, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    for (const resource of [params.resource ?? []].flat()) grant.addResourceScope(resource, params.scope);
    ctx.respond = false;
    await provider.interactionFinished(ctx.req, ctx.res, {
      login: { accountId: ACCOUNT },
      consent: { grantId: await grant.save() },
    });
  });
}
