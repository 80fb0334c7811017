"""What stands on this machine: room on its disks, the spool, when the certificate ends. Looked at when somebody asks."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography import x509
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from registry.settings import Settings


class Machine(Collector):
    """Raises nothing: what cannot be read is left out, which an alarm on its absence finds."""

    def __init__(self, settings: Settings) -> None:
        self._disks = {"data": settings.data_dir, **settings.metrics.disks}
        self._spool = settings.data_dir / "spool"
        self._certificate = settings.metrics.certificate

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        yield from self._room()
        yield GaugeMetricFamily(
            "hat_spool_bytes", "Bytes of files being received or checked.", value=_size(self._spool)
        )
        ends = _end(self._certificate)
        if ends is not None:
            yield GaugeMetricFamily(
                "hat_certificate_ends_timestamp_seconds", "When the proxy's certificate ends.", value=ends
            )

    def _room(self) -> Iterator[Metric]:
        free = GaugeMetricFamily("hat_disk_free_bytes", "Room left on a disk.", labels=["disk"])
        share = GaugeMetricFamily("hat_disk_free_ratio", "Room left on a disk, of all of it.", labels=["disk"])
        for name, path in self._disks.items():
            try:
                room = shutil.disk_usage(path)
            except OSError:
                continue
            free.add_metric([name], room.free)
            share.add_metric([name], room.free / room.total)
        yield from (free, share)


def _size(folder: Path) -> int:
    """Files may go while they are looked at."""
    total = 0
    for path in folder.glob("*"):
        try:
            total += path.stat().st_size
        except OSError:
            continue
    return total


def _end(certificate: Path | None) -> float | None:
    if certificate is None:
        return None
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc.timestamp()
    except (OSError, ValueError):
        return None
