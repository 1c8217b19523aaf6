"""Every write to chargers and to what they report (the tour's step 8).

Plain functions, one transaction each, which know neither requests nor sockets.
"""

from .links import (
    Link,
    find_charger,
    mark_connected,
    mark_disconnected,
    mark_lost_chargers,
    record_links,
)
from .registering import (
    add_connectors,
    password_matches,
    register_charger,
    set_password,
)
from .reports import (
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
    "Authorization",
    "Link",
    "SavedState",
    "add_connectors",
    "authorize",
    "delete_old_messages",
    "find_charger",
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
    "save_virtual_states",
    "set_password",
    "start_transaction",
    "stop_transaction",
    "virtual_states",
]
