// An MCP server of the TypeScript SDK behind its `requireBearerAuth`, set up as its documentation says. The SDK leaves the token
// itself to the verifier; here jose verifies it, as jose's documentation shows: the key set, and issuer and audience.
import { createMcpExpressApp, getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter, requireBearerAuth } from "@modelcontextprotocol/express";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { McpServer, OAuthError, OAuthErrorCode, createMcpHandler } from "@modelcontextprotocol/server";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

const { ISSUER, AUDIENCE, PORT } = process.env;

const keys = createRemoteJWKSet(new URL(`${ISSUER}/jwks`));
const verifier = {
  async verifyAccessToken(token) {
    try {
      const { payload } = await jwtVerify(token, keys, { issuer: ISSUER, audience: AUDIENCE });
      const scopes = payload.scope?.split(" ") ?? [];
      return { token, clientId: payload.client_id ?? "", scopes, expiresAt: payload.exp, resource: new URL(AUDIENCE) };
    } catch (error) {
      if (error instanceof errors.JOSEError) throw new OAuthError(OAuthErrorCode.InvalidToken, error.message);
      throw error;
    }
  },
};

const resource = new URL(AUDIENCE);
const resourceMetadataUrl = getOAuthProtectedResourceMetadataUrl(resource);
const metadata = await fetch(`${ISSUER}/.well-known/openid-configuration`);
const app = createMcpExpressApp();
app.use(mcpAuthMetadataRouter({ oauthMetadata: await metadata.json(), resourceServerUrl: resource }));
app.use("/mcp", requireBearerAuth({ verifier, requiredScopes: ["read:items"], resourceMetadataUrl }));
const handler = createMcpHandler(() => {
  const server = new McpServer({ name: "items", version: "1.0.0" });
  server.registerTool("list_items", {}, () => ({ content: [{ type: "text", text: "items: 1, 2" }] }));
  return server;
});
const node = toNodeHandler(handler);
app.all("/mcp", (request, response) => node(request, response, request.body));
app.listen(Number(PORT), "127.0.0.1");
