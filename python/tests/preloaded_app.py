"""The guide's application, after keys were fetched and a token was judged in the process that forks."""

import os

from guide_app import app

from requires_auth import AuthError
from requires_auth.flask import requires_auth

requires_auth.init_app(app)
with app.app_context():
    requires_auth.warm()
    try:
        requires_auth.verify("a.b.c")
    except AuthError:
        print("judged in", os.getpid())
