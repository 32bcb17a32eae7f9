// The two clients that server.mjs knows and tokens.mjs plays. Throwaway secrets: the server listens on loopback only.

/** A machine: client credentials. */
export const machine = { id: 'machine', secret: 'machine-secret' };

/** A web application that people log in to: authorization code with PKCE. */
export const web = { id: 'web', secret: 'web-secret', redirectUri: 'http://127.0.0.1:9/callback' };
