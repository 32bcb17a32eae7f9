// A server of the TypeScript SDK 2.x behind its guard for Express, with its scopes per tool.

import { createMcpExpressApp, getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter, requireBearerAuth } from '@modelcontextprotocol/express';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer, OAuthError, OAuthErrorCode, createMcpHandler, requireScopes } from '@modelcontextprotocol/server';

import { BASE, TOOL, createOrder, listOrders, options, providerMetadata, verifier } from './application.mjs';

const resource = new URL(options.resource);
const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(resource);
const app = createMcpExpressApp();
app.use(mcpAuthMetadataRouter({ oauthMetadata: await providerMetadata(), resourceServerUrl: resource }));
app.use(
  '/mcp',
  requireBearerAuth({
    verifier: verifier((message) => new OAuthError(OAuthErrorCode.InvalidToken, message)),
    requiredScopes: [BASE],
    expectedResource: options.guard === 'audience' ? resource : undefined,
    resourceMetadataUrl,
  }),
);
const handler = createMcpHandler(
  () => {
    const server = new McpServer({ name: 'orders', version: '1.0.0' });
    server.registerTool('list_orders', {}, listOrders);
    server.registerTool('create_order', { scopeChallenge: requireScopes(BASE, TOOL) }, createOrder);
    return server;
  },
  { resourceMetadataUrl },
);
const node = toNodeHandler(handler);
app.all('/mcp', (request, response) => node(request, response, request.body));
app.listen(Number(options.port), '127.0.0.1');
