"""HTTP: admin, API, health. WebSockets are routed in asgi.py."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from . import health
from .api import read_only

landing = TemplateView.as_view(template_name="landing.html")

urlpatterns = [
    path("", read_only(landing), name="landing"),
    path("health", read_only(health.live), name="health"),
    path("health/live", read_only(health.live)),
    path("health/ready", read_only(health.ready), name="ready"),
    path("admin/", admin.site.urls),
    path(
        "ocpp/schema",
        SpectacularJSONAPIView.as_view(authentication_classes=[]),
        name="schema",
    ),
    path("docs", SpectacularSwaggerSplitView.as_view(authentication_classes=[])),
    path("ocpp/", include("chargers.api.urls")),
    path("catalog/", include("chargers.api.image_urls")),
    path("ocpp/", include("commands.api.urls")),
]

handler400 = "ocpplab.api.bad_request"
handler404 = "ocpplab.api.not_found"
handler500 = "ocpplab.api.server_error"
