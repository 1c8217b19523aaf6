"""HTTP: admin, API, health. WebSockets are routed in asgi.py."""

from django.contrib import admin
from django.urls import path
from django.views.generic import TemplateView

from . import health

urlpatterns = [
    path("", TemplateView.as_view(template_name="landing.html"), name="landing"),
    path("health", health.live, name="health"),
    path("health/live", health.live),
    path("health/ready", health.ready, name="ready"),
    path("admin/", admin.site.urls),
]
