"""An API behind PyJWT in FastAPI, as FastAPI's tutorial on OAuth2 with JWT tokens builds it.

`OAuth2PasswordBearer` takes the token out of the request, `jwt.decode` verifies it, `SecurityScopes` compares the
scopes, and one exception is the answer. The tutorial signs and verifies with one secret (HS256), so that only the API
itself can make tokens. Here an issuer makes them, so the key comes from its key set by `PyJWKClient`, and issuer and
audience are given to `jwt.decode`, both as PyJWT's documentation shows.
"""

import os
from typing import Annotated

import jwt
from fastapi import Depends, FastAPI, HTTPException, Security, status
from fastapi.security import OAuth2PasswordBearer, SecurityScopes
from jwt.exceptions import InvalidTokenError, PyJWKClientError

ISSUER = os.environ["ISSUER"]
AUDIENCE = os.environ["AUDIENCE"]
ALGORITHM = "RS256"

app = FastAPI()
oauth2_scheme = OAuth2PasswordBearer(tokenUrl=f"{ISSUER}/token", scopes={"read:items": "Read items."})
jwks_client = jwt.PyJWKClient(f"{ISSUER}/jwks")


def get_current_user(security_scopes: SecurityScopes, token: Annotated[str, Depends(oauth2_scheme)]) -> str:
    challenge = f'Bearer scope="{security_scopes.scope_str}"' if security_scopes.scopes else "Bearer"
    credentials_exception = HTTPException(
        status_code=status.HTTP_401_UNAUTHORIZED,
        detail="Could not validate credentials",
        headers={"WWW-Authenticate": challenge},
    )
    try:
        key = jwks_client.get_signing_key_from_jwt(token)
        payload = jwt.decode(token, key, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER)
    except (InvalidTokenError, PyJWKClientError) as error:
        raise credentials_exception from error
    username = payload.get("sub")
    if username is None:
        raise credentials_exception
    granted = payload.get("scope", "").split(" ")
    for scope in security_scopes.scopes:
        if scope not in granted:
            # The tutorial answers 401 here.
            raise HTTPException(
                status_code=status.HTTP_401_UNAUTHORIZED,
                detail="Not enough permissions",
                headers={"WWW-Authenticate": challenge},
            )
    return username


@app.get("/api/items")
def read_items(username: Annotated[str, Security(get_current_user, scopes=["read:items"])]) -> dict[str, str]:
    return {"subject": username}
