"""Tokens that are refused before they expire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from requires_auth import _core

if TYPE_CHECKING:
    from datetime import datetime

    from requires_auth._core import AccessToken

_CLAIMS = ("jti", "sub", "sid", "client_id")


class Revoking:
    """What a guard has beside its verdicts: it revokes tokens, and says how its revocations are doing."""

    def revoke(
        self,
        token: AccessToken | None = None,
        *,
        jti: str | None = None,
        sub: str | None = None,
        sid: str | None = None,
        client_id: str | None = None,
        issuer: str | None = None,
        before: datetime | float | None = None,
        until: datetime | float | None = None,
    ) -> None:
        """Refuses tokens from now on: this one, or those that a claim names.

        It is appended to the file of the setting `revocations`, so that every process with that file refuses them
        within a second, also after a restart. It waits for the disk; the interpreter lock is released meanwhile.

            auth.revoke(token)                                     # a logout
            auth.revoke(sub="u-17", before=time.time())            # a new password: a later login is good

        Args:
            token: a token that this guard has verified: it is refused by its `jti` until it has expired.
            jti: the token with this `jti`.
            sub: the tokens of this subject.
            sid: the tokens of this session.
            client_id: the tokens of this client.
            issuer: only tokens of this issuer; of every issuer without.
            before: only tokens that were issued before this moment; also those issued later without. It is a datetime
                with a time zone, or seconds since 1970, and has no meaning beside `jti`.
            until: when the last of the tokens expires; in 30 days without.

        Raises:
            ValueError: it cannot be revoked: an empty claim, or a token without `jti`.
            OSError: the file cannot be written. Nothing was revoked.
            RuntimeError: the guard has no revocations, or there is room for no more. Nothing was revoked.
            TypeError: not exactly one of a token and the four claims is given.
        """
        guard = cast("_core.Guard", self)
        claims = zip(_CLAIMS, (jti, sub, sid, client_id), strict=True)
        named = [(name, value) for name, value in claims if value is not None]
        if len(named) + (token is not None) != 1:
            raise TypeError("give a token, or one of jti, sub, sid and client_id")
        if token is not None:
            if issuer is not None or before is not None or until is not None:
                raise TypeError("a token says itself who issued it and when it expires")
            _core.revoke_token(guard, token)
        else:
            claim, value = named[0]
            if claim == "jti" and before is not None:
                raise TypeError("before has no meaning beside jti")
            _core.revoke(guard, claim, value, issuer, before, until)

    def revocations(self) -> dict[str, Any] | None:
        """How the revocations are doing: None for a guard without.

        Else `entries`, how many are in use, and `last_error`: why the file could not be read when it was last tried, or
        None. What was read before stays in use then.
        """
        health = _core.revocations(cast("_core.Guard", self))
        return None if health is None else {"entries": health[0], "last_error": health[1]}
