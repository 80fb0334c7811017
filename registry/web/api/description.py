"""How the interface is described to programs: who may call, in OpenAPI's words."""

from typing import Any

SCHEMES: dict[str, Any] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token that an administrator made for your program.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "hat",
        "description": "The session of a signed-in person, `__Host-hat` under https. To change anything it needs the form token in "
        "X-Form-Token.",
    },
}
SIGNED_IN: dict[str, Any] = {"security": [{"token": []}, {"session": []}]}
"""Of a route: `openapi_extra=SIGNED_IN`."""
