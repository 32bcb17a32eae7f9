"""The application of Logto's guide, in its own form, on today's Flask and Flask-CORS."""

from flask import Flask, g
from flask_cors import cross_origin

from requires_auth.flask import requires_auth

app = Flask(__name__)


@app.route("/user/info")
@cross_origin(headers=["Content-Type", "Authorization"])
@requires_auth
def api():
    user_id = g.access_token.sub
    return {"userId": user_id}


@app.route("/pid")
@requires_auth
def pid():
    import os

    return {"pid": os.getpid()}
