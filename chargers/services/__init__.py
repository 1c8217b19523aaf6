"""Every write to chargers and to what they report (the tour's step 8).

Plain functions, one transaction each, which know neither requests nor sockets.
"""

from .changing import RELATIONS, ChargerFailure, delete_chargers, update_chargers
from .links import (
    Link,
    find_charger,
    mark_connected,
    mark_disconnected,
    mark_lost_chargers,
    record_links,
)
from .locations import (
    as_uuid,
    create_location,
    delete_location,
    find_locations,
    update_location,
    was_deleted,
)
from .registering import (
    add_connectors,
    check_connector_type,
    delete_charger,
    find_model,
    password_matches,
    register_charger,
    restart,
    set_password,
    set_running,
    update_charger,
)
from .reports import (
    Frame,
    SavedState,
    delete_old_messages,
    record_boot,
    record_messages,
    record_status,
    save_virtual_states,
    virtual_states,
)
from .transactions import (
    Authorization,
    authorize,
    open_transaction,
    record_meter_values,
    start_transaction,
    stop_transaction,
)

__all__ = [
    "RELATIONS",
    "Authorization",
    "ChargerFailure",
    "Frame",
    "Link",
    "SavedState",
    "add_connectors",
    "as_uuid",
    "authorize",
    "check_connector_type",
    "create_location",
    "delete_charger",
    "delete_chargers",
    "delete_location",
    "delete_old_messages",
    "find_charger",
    "find_locations",
    "find_model",
    "mark_connected",
    "mark_disconnected",
    "mark_lost_chargers",
    "open_transaction",
    "password_matches",
    "record_boot",
    "record_links",
    "record_messages",
    "record_meter_values",
    "record_status",
    "register_charger",
    "restart",
    "save_virtual_states",
    "set_password",
    "set_running",
    "start_transaction",
    "stop_transaction",
    "update_charger",
    "update_chargers",
    "update_location",
    "virtual_states",
    "was_deleted",
]
