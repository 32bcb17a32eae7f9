// A server of the TypeScript SDK 1.x behind its requireBearerAuth.

import express from 'express';

import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';

import { BASE, createOrder, listOrders, options, providerMetadata, verifier } from './application.mjs';

const resource = new URL(options.resource);
const app = express();
app.use(express.json());
app.use(mcpAuthMetadataRouter({ oauthMetadata: await providerMetadata(), resourceServerUrl: resource }));
app.use(
  '/mcp',
  requireBearerAuth({
    verifier: verifier((message) => new InvalidTokenError(message)),
    requiredScopes: [BASE],
    expectedResource: options.guard === 'audience' ? resource : undefined,
    resourceMetadataUrl: getOAuthProtectedResourceMetadataUrl(resource),
  }),
);
app.post('/mcp', async (request, response) => {
  const server = new McpServer({ name: 'orders', version: '1.0.0' });
  server.registerTool('list_orders', {}, listOrders);
  server.registerTool('create_order', {}, createOrder);
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
  response.on('close', () => server.close());
  await server.connect(transport);
  await transport.handleRequest(request, response, request.body);
});
app.listen(Number(options.port), '127.0.0.1');
