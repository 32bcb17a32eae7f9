"""Django: a decorator for views, a middleware for all of them, and classes for Django REST framework.

    # settings.py
    REQUIRES_AUTH_ISSUER = "https://tenant-id.logto.app/oidc"
    REQUIRES_AUTH_AUDIENCE = "https://api.example.com"
    INSTALLED_APPS = [..., "requires_auth.django"]  # for the system checks

    # views.py
    from requires_auth.django import requires_auth

    @requires_auth("read:orders")
    def orders(request):
        return JsonResponse({"sub": request.access_token.sub})

Views may be `async`; class-based ones take `@method_decorator(requires_auth, name="dispatch")`. For all views
there is `requires_auth.django.middleware.RequiresAuthMiddleware`. If decorators above the guard rewrite what a view
returns, `requires_auth.django.refusals.KeepRefusals` in `MIDDLEWARE` keeps refusals as they are. For Django
REST framework there is `requires_auth.django.rest_framework`. No user table is needed; `REQUIRES_AUTH_USER` names a
function that maps a token to a user, if there is one: see `requires_auth.django.users`.
"""

from requires_auth.django.decorator import RequiresAuth, public, requires_auth

__all__ = ["RequiresAuth", "public", "requires_auth"]
