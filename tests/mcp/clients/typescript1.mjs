// The client of the TypeScript SDK 1.x.
//
//   node typescript1.mjs URL

import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

import { drive, sdkClient } from './driver.mjs';

const url = new URL(process.argv[2]);

function connect(login) {
  const client = new Client({ name: 'typescript 1', version: '1.0.0' });
  const transport = new StreamableHTTPClientTransport(url, { authProvider: login });
  return { client, transport, protocol: () => transport.protocolVersion };
}

const finish = (transport, callback) => transport.finishAuth(callback.searchParams.get('code'));

await drive(sdkClient('typescript 1', { connect, Unauthorized: UnauthorizedError, finish }));
