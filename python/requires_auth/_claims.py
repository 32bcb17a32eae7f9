"""The claims of a token as Python sees them."""

from __future__ import annotations

import json
from typing import Any, NoReturn


class Claims(dict[str, Any]):
    """The claims of a verified token: a dict that cannot be changed, so that every part of a request sees the same.

    It is JSON wherever a dict is: `return token.claims`, `json.dumps`, `jsonify`, `JsonResponse`. Copies of every kind,
    pickled ones too, are plain dicts, which are the caller's own.
    """

    __slots__ = ()

    def _refuse(self: Any, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("the claims of a verified token cannot be changed: change a copy, dict(token.claims)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        """What `copy` and `pickle` make of it."""
        return dict, (dict(self),)


def read(payload: str) -> Claims:
    """Reads the payload of a verified token, as `json.loads` does."""
    return Claims(json.loads(payload))
