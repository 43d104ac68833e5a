"""The settings this sandbox knows: name, initial value, permission to see and change it.

Source: peers/zammad.md §2.5; permissions of the others from the admin areas they live in.
"""

from typing import Any

SETTINGS: tuple[tuple[str, Any, str], ...] = (
    ("time_accounting", False, "admin.time_accounting"),
    ("time_accounting_selector", {}, "admin.time_accounting"),
    ("time_accounting_unit", "", "admin.time_accounting"),
    ("time_accounting_unit_custom", "", "admin.time_accounting"),
    ("time_accounting_types", False, "admin.time_accounting"),
    ("time_accounting_type_default", "", "admin.time_accounting"),
    ("api_token_access", True, "admin.api"),
    ("api_password_access", True, "admin.api"),
    ("maintenance_mode", False, "admin.maintenance"),
    ("import_mode", False, "admin"),
    ("timezone_default", "", "admin.system"),  # "": UTC
    ("fqdn", "zammad.example.com", "admin.system"),
    ("http_type", "https", "admin.system"),
    ("es_url", "", "admin"),  # "": no Elasticsearch, so searches take the SQL path
    ("ui_ticket_zoom_article_delete_timeframe", 600, "admin.ui"),  # seconds; 0: no limit
    ("ticket_organization_reassignment", True, "admin.ticket"),
)
