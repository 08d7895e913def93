"""A small authorization server: django-oauth-toolkit for client credentials,
with opaque tokens and their introspection. The variable DJANGO is {port,
clients: {id: secret}}."""

import json
import os
from wsgiref.simple_server import make_server

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import include, path

options = json.loads(os.environ["DJANGO"])

settings.configure(
    SECRET_KEY="only-for-this-test", ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}},
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "oauth2_provider"],
    OAUTH2_PROVIDER={"SCOPES": {"content": "Read", "introspection": "Introspect"}, "DEFAULT_SCOPES": ["content"],
                     "ACCESS_TOKEN_EXPIRE_SECONDS": 600},
)
django.setup()
urlpatterns = [path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]

call_command("migrate", verbosity=0)

from oauth2_provider.models import Application  # noqa: E402: needs django.setup

for client, secret in options["clients"].items():
    Application.objects.create(
        client_id=client, client_secret=secret, client_type=Application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=Application.GRANT_CLIENT_CREDENTIALS)

make_server("127.0.0.1", options["port"], get_wsgi_application()).serve_forever()
