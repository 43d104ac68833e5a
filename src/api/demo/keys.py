"""The demo's secrets and addresses: made once, kept in its folder, told in `demo.json`."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from cryptography.fernet import Fernet


@dataclass(frozen=True, kw_only=True)
class DemoKeys:
    """What has to be the same when the demo is started again."""

    secret_key: str
    encryption_key: str
    username: str
    password: str
    zammad_token: str
    kimai_token: str
    webhook_secret: str

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Those of the folder; made when it has none."""
        file = folder / "keys.json"
        if file.exists():
            return cls(**json.loads(file.read_text()))
        keys = cls(
            secret_key=secrets.token_urlsafe(48),
            encryption_key=Fernet.generate_key().decode(),
            username="admin",
            password=secrets.token_urlsafe(12),
            zammad_token=secrets.token_urlsafe(32),
            kimai_token=secrets.token_hex(13)[:25],
            webhook_secret=secrets.token_urlsafe(24),
        )
        write_private(file, asdict(keys))
        return keys

    def tell(self, file: Path, *, url: str, zammad_url: str, kimai_url: str) -> None:
        """Write what a script needs to use the running demo."""
        write_private(
            file,
            {
                "url": url,
                "username": self.username,
                "password": self.password,
                "zammad_url": zammad_url,
                "zammad_token": self.zammad_token,
                "kimai_url": kimai_url,
                "kimai_token": self.kimai_token,
                "webhook_secret": self.webhook_secret,
            },
        )


def write_private(file: Path, content: dict[str, str]) -> None:
    """A JSON file that only its owner reads; whole or not at all."""
    partial = file.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(content, stream, indent=2)
    partial.replace(file)
