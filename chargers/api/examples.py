"""The published examples of requests and answers (contract, 6 to 9)."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

LOCATION_ID = "4090477f-a416-4515-a302-97aa344a0a2a"
JOB_ID = "4f6b5e0e-7d1a-4b0a-9c2e-abc123456789"
TIME = "2026-04-02T09:15:00Z"


def request(value: Any) -> OpenApiExample:
    return OpenApiExample("Request", value=value, request_only=True)


def answer(status: int, value: Any) -> OpenApiExample:
    return OpenApiExample(
        "Answer", value=value, response_only=True, status_codes=[str(status)]
    )


MODEL = [
    answer(
        200,
        {
            "id": "550e8400-e29b-41d4-a716-446655440002",
            "slug": "wallbox-pulsar-plus",
            "name": "Pulsar Plus",
            "brand_slug": "wallbox",
            "brand_id": "550e8400-e29b-41d4-a716-446655440001",
            "image_url": "https://example.com/pulsar-plus.png",
            "connector_count": 1,
            "current_type": "ac",
            "supported_kwh": [7.4, 22],
            "connector_types": ["Type2"],
            "created_at": "2026-03-01T09:00:00Z",
        },
    )
]
_location = {
    "name": "La Defense Charging Hub",
    "address": "1 Parvis de la Defense",
    "city": "Paris",
    "country": "FR",
    "coordinates": {"latitude": 48.8919, "longitude": 2.2384},
    "timezone": "Europe/Paris",
    "owner_name": "OCPPLAB",
    "public": True,
}
_location_made = {
    "id": LOCATION_ID,
    "slug": "la-defense-charging-hub-ab12cd34",
    **_location,
    "status": "active",
    "created_at": TIME,
    "updated_at": TIME,
}
NEW_LOCATION = [request(_location), answer(201, _location_made)]
LOCATION = [answer(200, _location_made)]
CHANGED_LOCATION = [request({"name": _location["name"]}), *LOCATION]
_charger = {
    "id": "dep-123",
    "identity": "CP-TEST-001",
    "name": "Bay A02",
    "vendor_name": "Wallbox",
    "model": "Pulsar Plus",
    "image_url": "https://example.com/pulsar-plus.png",
    "ocpp_version": "OCPP1.6",
    "number_of_connectors": 1,
    "max_charging_power": 22000,
    "connector_type": "Type2",
    "location_id": LOCATION_ID,
    "created_at": TIME,
    "updated_at": TIME,
}
CHARGER = [answer(200, _charger)]
CHANGED_CHARGER = [request({"charge_point_name": "Bay A02"}), *CHARGER]
STATUS = [
    answer(
        200,
        {
            "charger_id": "dep-123",
            "status": "FAILED",
            "workflow_run_id": "wfr_abc123",
            "error": {
                "code": "csms_unreachable",
                "message": "The charger's boot was not accepted: connection refused.",
                "step": "charger-0-0-03",
                "param": "ws_url",
                "doc_url": None,
                "retryable": True,
            },
            "provisioned_at": None,
        },
    )
]
NEW_CHARGER = [
    request(
        {
            "identity": "CP-TEST-001",
            "brand_slug": "wallbox",
            "model_slug": "wallbox-pulsar-plus",
            "connector_type": "Type2",
            "ws_url": "wss://csms.example/ocpp",
            "ocpp_version": "OCPP1.6",
            "charge_point_name": "Bay A01",
            "location_id": LOCATION_ID,
            "location_name": "La Defense Charging Hub",
        }
    ),
    answer(
        202,
        {
            "charger_id": "dep-123",
            "identity": "CP-TEST-001",
            "status": "PENDING",
            "status_url": "/ocpp/chargers/dep-123/status",
            "workflow_run_id": "wfr_abc123",
        },
    ),
]
RUNTIME = [
    answer(
        202,
        {
            "id": "dep-123",
            "event_type": "stop_charger",
            "ocpp_version": "OCPP1.6",
            "payload": {
                "provider": "portal",
                "runtime_kind": "fleet",
                "service_name": "dep-123",
                "desired_count": 0,
                "status": "ACTIVE",
            },
        },
    )
]
MESSAGE = [
    answer(
        200,
        {
            "direction": "cp_to_csms",
            "action": "BootNotification",
            "message": '[2,"boot-001","BootNotification",'
            '{"chargePointVendor":"OCPPLAB","chargePointModel":"SDK-DC-50"}]',
            "timestamp": "2026-04-09T09:30:00Z",
        },
    )
]
VARIABLE = [
    answer(
        200,
        {
            "key": "OCPPCommCtrlr.HeartbeatInterval",
            "component": "OCPPCommCtrlr",
            "component_instance": "",
            "evse_id": None,
            "connector_id": None,
            "variable": "HeartbeatInterval",
            "variable_instance": "",
            "attribute": "Actual",
            "value": "300",
            "mutability": "ReadWrite",
            "characteristics": {
                "dataType": "integer",
                "unit": "s",
                "supportsMonitoring": False,
            },
            "updated_at": "2026-04-09T09:30:00Z",
        },
    )
]
REQUEST = [
    request({"action": "GetConfiguration", "payload": {"key": ["HeartbeatInterval"]}}),
    answer(
        200,
        {
            "action": "GetConfiguration",
            "payload": {
                "configurationKey": [
                    {"key": "HeartbeatInterval", "readonly": False, "value": "300"}
                ]
            },
        },
    ),
]
NEW_GROUPS = [
    request(
        [
            {
                "template": {
                    "brand_slug": "wallbox",
                    "model_slug": "wallbox-pulsar-plus",
                    "connector_type": "Type2",
                    "ocpp_version": "OCPP1.6",
                    "ws_url": "wss://csms.example/ocpp",
                    "identity_prefix": "SITE_A_",
                    "template_name": "Bay",
                },
                "charger_ids": ["001", "002"],
                "chargers_number": 10,
            }
        ]
    ),
    answer(
        202,
        {
            "job_id": JOB_ID,
            "status": "PENDING",
            "status_url": f"/ocpp/locations/{LOCATION_ID}/chargers/jobs/{JOB_ID}",
            "workflow_run_id": "wfr_abc123",
        },
    ),
]
JOB = [
    answer(
        200,
        {
            "job_id": JOB_ID,
            "job_type": "location_chargers",
            "status": "READY",
            "workflow_run_id": "wfr_abc123",
            "error": None,
            "results": {
                "created_count": 1,
                "failed_count": 1,
                "created": [_charger],
                "failed": [
                    {
                        "identity": "SITE_A_002",
                        "error": "A charger with this identity exists already.",
                    }
                ],
            },
            "provisioned_at": TIME,
        },
    )
]
CHANGED_CHARGERS = [
    request({"chargers": [{"charger_id": "dep-123", "charge_point_name": "Bay A02"}]}),
    answer(
        200,
        {"updated_count": 1, "failed_count": 0, "updated": [_charger], "failed": []},
    ),
]
DELETED_CHARGERS = [
    answer(
        200,
        {"deleted_count": 1, "failed_count": 0, "deleted": ["dep-123"], "failed": []},
    ),
]
