"""What every answer of the web process carries, and what no page is asked."""

from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
)
from django.utils.cache import get_conditional_response, set_response_etag
from django.utils.deprecation import MiddlewareMixin

# Nothing from elsewhere, and no script or style but those in files.
POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
# What others made, the API's reference and the queues, has styles in its pages.
STYLED = ("/docs", "/admin/django_rq/", "/admin/django-rq/")
STYLED_POLICY = f"{POLICY}; style-src 'self' 'unsafe-inline'"


class ContentSecurityPolicy(MiddlewareMixin):
    """Tells browsers to run nothing that somebody slipped into a page."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        policy = STYLED_POLICY if request.path.startswith(STYLED) else POLICY
        response.headers.setdefault("Content-Security-Policy", policy)
        return response


class NoNul(MiddlewareMixin):
    """Refuses addresses of pages with a NUL: PostgreSQL takes none, even to compare."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        has_nul = "\0" in request.path or "%00" in request.META["QUERY_STRING"]
        if has_nul and request.path.startswith("/admin/"):
            return HttpResponseBadRequest("An address has no NUL.")
        return None


class NotModified(MiddlewareMixin):
    """A page that renews its parts is told when there is nothing new.

    Django's own middleware leaves out what must not be stored, as pages of the admin.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase | None:
        is_renewed = "X-Live" in request.headers and request.method == "GET"
        if not is_renewed or not isinstance(response, HttpResponse):
            return response
        if response.status_code != 200:
            return response
        set_response_etag(response)
        return get_conditional_response(
            request, etag=response.headers["ETag"], response=response
        )
