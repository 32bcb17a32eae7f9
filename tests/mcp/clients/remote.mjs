// mcp-remote, which is a server on its standard input and output to the client of the TypeScript SDK 1.x.
//
//   node remote.mjs URL
//
// It prints the address of the login on stderr, and listens for the callback itself.

import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';

import { walk } from '../../providers/oidc-provider/browser.mjs';
import { drive, textOf } from './driver.mjs';

const url = process.argv[2];
const proxy = fileURLToPath(new URL('../node_modules/mcp-remote/dist/proxy.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'mcp-remote-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

let client;
let logins = 0;

await drive({ open, call, close: () => client.close(), logins: () => logins, stored });

async function open() {
  client = new Client({ name: 'mcp-remote', version: '1.0.0' });
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [proxy, url, '--allow-http', '--transport', 'http-only', '--host', '127.0.0.1'],
    // No browser of this machine may open.
    env: { ...process.env, MCP_REMOTE_CONFIG_DIR: folder, DISPLAY: '', BROWSER: 'true' },
    stderr: 'pipe',
  });
  createInterface({ input: transport.stderr }).on('line', (line) => {
    if (process.env.VERBOSE) console.error(line);
    const [address] = line.match(/^https?:\/\/\S+[?&]redirect_uri=\S+/) ?? [];
    if (address) void logIn(address);
  });
  await client.connect(transport);
  return transport.protocolVersion ?? '';
}

async function logIn(address) {
  logins += 1;
  const callback = await walk(address);
  // The address is printed before the callback is listened for.
  for (let attempts = 0; attempts < 50; attempts += 1) {
    try {
      await fetch(callback, { signal: AbortSignal.timeout(15_000) });
      return;
    } catch {
      await sleep(100);
    }
  }
}

async function call(tool) {
  return textOf(await client.callTool({ name: tool, arguments: {} }));
}

function stored() {
  const files = existsSync(folder) ? readdirSync(folder, { recursive: true }) : [];
  const name = files.find((file) => file.endsWith('_tokens.json'));
  return name && JSON.parse(readFileSync(join(folder, name), 'utf8'));
}
