// The client of the TypeScript SDK 2.x.
//
//   node typescript2.mjs URL [auto|legacy]      the newest wire, or the handshake that came before it

import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client';

import { drive, sdkClient } from './driver.mjs';

const url = new URL(process.argv[2]);
const mode = process.argv[3] ?? 'legacy';

function connect(login) {
  const client = new Client({ name: 'typescript 2', version: '1.0.0' }, { versionNegotiation: { mode } });
  const transport = new StreamableHTTPClientTransport(url, { authProvider: login });
  return { client, transport, protocol: () => client.getNegotiatedProtocolVersion() };
}

const finish = (transport, callback) => transport.finishAuth(callback.searchParams);

await drive(sdkClient('typescript 2', { connect, Unauthorized: UnauthorizedError, finish }));
