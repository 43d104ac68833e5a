"""The OpenAPI document, made of the code alone: `python -m api.schema` prints it.

`docs/openapi.json` is what it says; a test holds the two together.
"""

import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from api.app import create_app
from api.metrics import Metrics

if TYPE_CHECKING:
    from api.services import Services


def document() -> dict[str, Any]:
    """The document that `/api/openapi.json` serves."""
    nothing = SimpleNamespace(settings=SimpleNamespace(cors_origins=()), metrics=Metrics())
    return create_app(cast("Services", nothing)).openapi()


def text() -> str:
    """The document as it is kept: sorted, so that a change shows where it is."""
    return json.dumps(document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
