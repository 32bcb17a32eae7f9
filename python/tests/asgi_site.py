"""The site for the tests of Django as an ASGI application."""

import django_site as django_site
from django.core.asgi import get_asgi_application

application = get_asgi_application()
