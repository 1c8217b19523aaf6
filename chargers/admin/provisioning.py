"""Bulk creates, and how far they are."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from chargers.choices import ProvisioningStatus
from chargers.models import ProvisioningJob
from chargers.provisioning import results_of
from ocpplab.admin import DateRangeFilter, RecordAdmin, ScopedRelatedFilter, moment
from ocpplab.html import badge


@admin.register(ProvisioningJob)
class ProvisioningJobAdmin(RecordAdmin):
    """Bulk creates, and how far they are."""

    menu = ("Setup", 3)
    list_display = [
        "state",
        "location",
        "asked",
        "ready",
        "refused",
        moment("created_at", "Created"),
        moment("provisioned_at", "Ended"),
    ]
    list_display_links = ["state", "location"]
    list_filter = [
        "status",
        ("created_at", DateRangeFilter),
        ("location", ScopedRelatedFilter),
        ("organization", ScopedRelatedFilter),
    ]
    list_select_related = ["location"]
    search_fields = ["=id", "location__name", "=workflow_run_id"]
    search_help_text = "A job's id, or part of a location's name."
    export_columns = {
        "job_id": "id",
        "location": "location.name",
        "status": "status",
        "chargers": lambda job: len(job.items),
        "ready": "ready_count",
        "failed": lambda job: job.lost_count + len(job.failed),
        "failures": "failed",
        "created_at": "created_at",
        "provisioned_at": "provisioned_at",
    }
    fields = ["location", "state", "progress", "failures", "created_at"]
    readonly_fields = ["state", "progress", "failures"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        status = ProvisioningStatus
        ended = {
            f"{name}_count": Count(
                "chargers", filter=Q(chargers__provisioning_status=value)
            )
            for name, value in (("ready", status.READY), ("lost", status.FAILED))
        }
        return super().get_queryset(request).annotate(**ended)

    @admin.display(description="State", ordering="status")
    def state(self, job: ProvisioningJob) -> SafeString:
        tone = "good" if job.status == ProvisioningStatus.READY else "busy"
        return badge(job.get_status_display(), tone)

    @admin.display(description="Chargers")
    def asked(self, job: ProvisioningJob) -> int:
        return len(job.items)

    @admin.display(description="Ready")
    def ready(self, job: Any) -> int:
        return int(job.ready_count)

    @admin.display(description="Failed")
    def refused(self, job: Any) -> int:
        return int(job.lost_count) + len(job.failed)

    @admin.display(description="Progress")
    def progress(self, job: Any) -> SafeString:
        done, asked = self.ready(job) + self.refused(job), self.asked(job)
        return format_html(
            '<span id="progress" data-live><progress max="{}" value="{}"></progress> '
            "{} of {} ready, {} failed</span>",
            *(asked, done, self.ready(job), asked, self.refused(job)),
        )

    @admin.display(description="Failures")
    def failures(self, job: ProvisioningJob) -> SafeString:
        _, failed = results_of(job)
        rows = ((item["identity"], item["error"]) for item in failed)
        return format_html_join("", "<div>{}: {}</div>", rows) or SafeString("None.")
