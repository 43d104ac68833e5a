"""A Kimai 2.66 in memory, as a real HTTP server: for the demo and the tests.

`state = KimaiState(); seed_recordings(state); app = create_kimai_app(state)`, then
`async with adapters.sandbox.serve.running(app) as url: ...`.
"""

from adapters.sandbox.kimai.app import create_kimai_app
from adapters.sandbox.kimai.seeds import seed_recordings, token_of
from adapters.sandbox.kimai.settings import KimaiSettings
from adapters.sandbox.kimai.state import KimaiState

__all__ = ["KimaiSettings", "KimaiState", "create_kimai_app", "seed_recordings", "token_of"]
