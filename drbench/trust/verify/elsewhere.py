"""Whether a record was made with other software, or on another kind of device, than is here."""

from drbench.errors import DrbenchError
from drbench.runs.provenance import library_versions, plugins_of
from drbench.runs.record import Record


def made_elsewhere(record: Record) -> list[str]:
    """What computed a record that is not what computes here: versions, plugins, kind of device."""
    origin, here = record.provenance, library_versions()
    found = [
        f"{name} {version[:20]}, here {here.get(name, 'none')}"
        for name, version in origin.versions.items()
        if here.get(name) != version
    ]
    try:
        own = plugins_of(record.spec)
    except DrbenchError:  # a plugin that is not here
        own = {}
    found += [
        f"{name} of {software.distribution[:40]} {software.version[:20]}"
        for name, software in origin.plugins.items()
        if name in own and own[name] != software
    ]
    device = _device()
    if device and not origin.device.startswith(device):
        found.append(f"on {origin.device[:40]}, here on {device}")
    return found


def _device() -> str:
    try:
        from drbench.models.inference import default_device
    except ImportError:
        return ""
    return default_device()
