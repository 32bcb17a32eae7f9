"""What a guard should answer, in few lines, to try the harness: it has no strict reader, no limits, and no vectors."""

import json
from urllib.parse import urlsplit

import jwt
from anyio import to_thread

WELL_KNOWN = "/.well-known/oauth-protected-resource"


def protect(app, issuer, resource, *, scope, tools):
    keys = jwt.PyJWKClient(f"{issuer}/jwks")
    parts = urlsplit(resource)
    pointer = f"{parts.scheme}://{parts.netloc}{WELL_KNOWN}{parts.path}"
    document = {"resource": resource, "authorization_servers": [issuer], "scopes_supported": [scope]}

    def claims(token):
        return jwt.decode(token, keys.get_signing_key_from_jwt(token), ["ES384"], audience=resource, issuer=issuer)

    async def guarded(request, receive, send):
        if request["type"] != "http":
            return await app(request, receive, send)
        if request["path"] in (WELL_KNOWN, WELL_KNOWN + parts.path, parts.path + WELL_KNOWN):
            return await answer(send, 200, body=document)
        headers = dict(request["headers"])
        scheme, _, token = headers.get(b"authorization", b"").decode().partition(" ")
        if scheme != "Bearer":
            return await answer(send, 401, f'Bearer scope="{scope}", resource_metadata="{pointer}"')
        try:
            granted = set((await to_thread.run_sync(claims, token)).get("scope", "").split())
        except jwt.PyJWKClientConnectionError:
            return await answer(send, 503)
        except jwt.PyJWTError:
            return await answer(
                send, 401, f'Bearer error="invalid_token", scope="{scope}", resource_metadata="{pointer}"'
            )
        body, more = b"", request["method"] == "POST"
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        called = json.loads(body) if body else {}
        needed = {scope}
        if called.get("method") == "tools/call" and (tool := tools.get(called["params"]["name"])):
            needed.add(tool)
        if not needed <= granted:
            names = " ".join(sorted(needed | granted & {scope, *tools.values()}))
            return await answer(
                send, 403, f'Bearer error="insufficient_scope", scope="{names}", resource_metadata="{pointer}"'
            )
        sent = False

        async def again():
            nonlocal sent
            if sent:
                return await receive()
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}

        await app(request, again, send)
        return None

    return guarded


async def answer(send, status, challenge=None, body=None):
    headers = [(b"content-type", b"application/json")]
    if challenge:
        headers.append((b"www-authenticate", challenge.encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body or {}).encode()})
