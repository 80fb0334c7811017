"""Web and worker as they are deployed, without containers: from the units and from compose's settings, on loopback."""

import configparser
import random
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.deploy.runbook import DEPLOY, ROOT
from tests.running import free_port

SYSTEMD = DEPLOY / "systemd"


@dataclass
class Part:
    """One process, with the settings it was given."""

    name: str
    environment: Mapping[str, str]
    command: tuple[str, ...]
    log: Path
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        with self.log.open("ab") as into:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "registry", *self.command], cwd=ROOT, env=dict(self.environment),
                stdin=subprocess.DEVNULL, stdout=into, stderr=into,
            )  # fmt: skip

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(60)

    @property
    def port(self) -> int:
        return int(self.environment["HAT_PORT"])


def of_unit(name: str, instance: str, secrets: Path, here: dict[str, str], logs: Path) -> Part:
    """The process that a unit starts: what its files say, with `here` for the addresses and folders of this machine."""
    text = (SYSTEMD / name).read_text("utf-8")
    read = configparser.ConfigParser(strict=False, interpolation=None)
    read.optionxform = str  # type: ignore[assignment,method-assign] # systemd's names keep their capitals
    read.read_string(text)
    given = dict(re.findall(r"^(HAT_\w+)=(.*)$", (SYSTEMD / "settings").read_text("utf-8"), re.MULTILINE))
    for line in re.findall(r"^Environment=(.*)$", text, re.MULTILINE):
        given |= dict(word.split("=", 1) for word in line.replace("%i", instance).split())
    words = tuple(read["Service"]["ExecStart"].split()[1:])
    given |= {"HAT_SECRETS_DIR": str(secrets)} | here
    return Part(f"{name}@{instance}", given | _path(), words, logs / f"{words[0]}-{instance}.log")


def of_compose(name: str, secrets: Path, here: dict[str, str], logs: Path) -> Part:
    """The process that a container of compose runs: the image's settings, compose's, then `here`."""
    service = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"][name]
    image = dict(re.findall(r"\b(HAT_\w+)=(\S+)", (DEPLOY / "Dockerfile").read_text("utf-8")))
    given = {key: "" if str(value).startswith("${") else str(value) for key, value in service["environment"].items()}
    environment = image | given | {"HAT_SECRETS_DIR": str(secrets)} | here | _path()
    return Part(f"compose {name}", environment, tuple(service["command"]), logs / f"compose-{name}.log")


def _path() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1"}


def short_port() -> int:
    """A free port of four digits, such as units are named by: with a 1 before it, it is that of their numbers."""
    for port in random.SystemRandom().sample(range(2000, 9999), 200):
        if all(_free(each) for each in (port, 10000 + port)):
            return port
    return free_port()


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
