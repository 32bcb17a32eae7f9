// An API behind express-oauth2-jwt-bearer, set up as its README says: the issuer and the audience, and the scopes of a route.
import express from "express";
import { auth, requiredScopes } from "express-oauth2-jwt-bearer";

// With DPOP=required it takes tokens that are bound to a key alone, as its EXAMPLES.md says.
const { ISSUER, AUDIENCE, PORT, DPOP } = process.env;

const app = express();
const dpop = DPOP === "required" ? { enabled: true, required: true } : undefined;
app.use(auth({ issuerBaseURL: ISSUER, audience: AUDIENCE, dpop }));
app.get("/api/items", requiredScopes("read:items"), (request, response) => {
  response.json({ subject: request.auth.payload.sub });
});

app.listen(Number(PORT), "127.0.0.1");
