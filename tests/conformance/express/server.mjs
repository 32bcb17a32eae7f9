// An API behind express-oauth2-jwt-bearer, set up as its README says: the issuer and the audience, and the scopes of a route.
import express from "express";
import { auth, requiredScopes } from "express-oauth2-jwt-bearer";

const { ISSUER, AUDIENCE, PORT } = process.env;

const app = express();
app.use(auth({ issuerBaseURL: ISSUER, audience: AUDIENCE }));
app.get("/api/items", requiredScopes("read:items"), (request, response) => {
  response.json({ subject: request.auth.payload.sub });
});

app.listen(Number(PORT), "127.0.0.1");
