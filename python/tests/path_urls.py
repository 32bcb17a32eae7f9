"""Every path is a view, for `path_site`."""

from django.http import HttpRequest, HttpResponse
from django.urls import re_path


def anything(request: HttpRequest, *_: str) -> HttpResponse:
    return HttpResponse()


urlpatterns = [re_path(r"^.*$", anything)]
