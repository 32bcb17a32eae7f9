"""A site for the tests of Django: its settings, views and URLs."""

from __future__ import annotations

from typing import Any

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View

REST = "requires_auth.django.rest_framework"

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["*"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "rest_framework",
            "drf_spectacular",
            "requires_auth.django",
        ],
        MIDDLEWARE=["django.middleware.csrf.CsrfViewMiddleware"],
        REST_FRAMEWORK={
            "DEFAULT_AUTHENTICATION_CLASSES": [f"{REST}.AccessTokenAuthentication"],
            "DEFAULT_PERMISSION_CLASSES": [f"{REST}.HasAccessToken"],
            "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
        },
        ROOT_URLCONF="django_site",
        SECRET_KEY="for tests",
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
    )
    django.setup()

# What needs the settings comes after them.
from rest_framework.authentication import BasicAuthentication
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from requires_auth.django import public, requires_auth
from requires_auth.django.rest_framework import AccessTokenAuthentication, HasAccessToken, HasScope


def about(request: Any) -> dict[str, Any]:
    token = request.access_token
    user = getattr(request, "user", None)
    return {"sub": token.sub if token else None, "user": str(user) if user else None}


@requires_auth
def me(request: HttpRequest) -> HttpResponse:
    """Says who asks."""
    return JsonResponse(about(request))


@requires_auth("read:orders")
async def orders(request: HttpRequest) -> HttpResponse:
    return JsonResponse(about(request))


@requires_auth(any_of=["a", "b"])
def either(request: HttpRequest) -> HttpResponse:
    return JsonResponse(about(request))


@requires_auth(optional=True)
def perhaps(request: HttpRequest) -> HttpResponse:
    return JsonResponse(about(request))


@method_decorator(requires_auth, name="dispatch")
class Sync(View):
    def get(self, request: HttpRequest, number: int) -> HttpResponse:
        return JsonResponse({"number": number, **about(request)})

    @method_decorator(requires_auth("write"))
    def post(self, request: HttpRequest, number: int) -> HttpResponse:
        return JsonResponse({"made": number})


@method_decorator(requires_auth, name="dispatch")
class Async(View):
    async def get(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse(about(request))

    async def post(self, request: HttpRequest) -> HttpResponse:
        return JsonResponse({"made": True})


@method_decorator(requires_auth, name="dispatch")
class OwnOptions(View):
    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(headers={"Access-Control-Allow-Origin": "*"})


def plain(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"sub": getattr(getattr(request, "access_token", None), "sub", None)})


async def plain_async(request: HttpRequest) -> HttpResponse:
    return plain(request)


@public
def open_to_all(request: HttpRequest) -> HttpResponse:
    return HttpResponse("fine")


class Rest(APIView):
    """A view of REST framework."""

    def get(self, request: Request) -> Response:
        return Response({**about(request), "auth": request.auth.sub if request.auth else None})

    def post(self, request: Request) -> Response:
        return Response(about(request), status=201)


class RestScope(Rest):
    permission_classes = (HasScope("read:orders"),)


class RestEither(Rest):
    permission_classes = (HasScope(any_of=["a", "b"]),)


class RestOpen(Rest):
    permission_classes = (AllowAny,)


class RestStandard(Rest):
    permission_classes = (IsAuthenticated,)


class RestTwoSchemes(Rest):
    authentication_classes = (AccessTokenAuthentication, BasicAuthentication)
    permission_classes = (AllowAny,)


class RestPermissionAlone(Rest):
    authentication_classes = ()
    permission_classes = (HasAccessToken,)


class RestOwnOptions(Rest):
    def options(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response({"own": True})


@api_view(["GET"])
@permission_classes([HasScope("read:orders")])
def rest_function(request: Request) -> Response:
    return Response(about(request))


urlpatterns = [
    path("me", me),
    path("orders", orders),
    path("either", either),
    path("perhaps", perhaps),
    path("sync/<int:number>", Sync.as_view()),
    path("async", Async.as_view()),
    path("around", requires_auth("read:orders")(Async.as_view())),
    path("own-options", OwnOptions.as_view()),
    path("plain", plain),
    path("plain-async", plain_async),
    path("open", open_to_all),
    path("rest", Rest.as_view()),
    path("rest/scope", RestScope.as_view()),
    path("rest/either", RestEither.as_view()),
    path("rest/open", RestOpen.as_view()),
    path("rest/standard", RestStandard.as_view()),
    path("rest/two-schemes", RestTwoSchemes.as_view()),
    path("rest/permission-alone", RestPermissionAlone.as_view()),
    path("rest/own-options", RestOwnOptions.as_view()),
    path("rest/function", rest_function),
]
