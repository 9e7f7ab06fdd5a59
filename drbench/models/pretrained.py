"""Weights that a network starts from: named by their content, fetched once, read when opened."""

from pathlib import Path
from typing import Annotated, final

from pydantic import Field

from drbench.data.files.download import download
from drbench.data.spec import RemoteFile
from drbench.errors import RunError
from drbench.files import cache_dir, sha256_file
from drbench.frozen import Frozen

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@final
class WeightsFile(Frozen):
    """A safetensors file of this machine, such as one that lies beside the plugin."""

    path: Path
    """Where it is."""
    sha256: Sha256
    """SHA-256 of its bytes, as 64 hexadecimal digits."""
    part: str = ""
    """Submodule that the file fills; the empty name is the whole network."""

    def fetch(self) -> Path:
        """The file, its content checked.

        Raises
        ------
        RunError
            If it is not there, or has another content.
        """
        if not self.path.is_file():
            raise RunError(f"There are no weights at {self.path}: put the model's file there.")
        return _checked(self.path, self.sha256)


@final
class HubWeights(Frozen):
    """A safetensors file of a repository of the Hugging Face hub, at one revision."""

    repository: str
    """OWNER/NAME."""
    revision: str
    """Commit of the repository."""
    file: str
    """Path in the repository."""
    sha256: Sha256
    """SHA-256 of its bytes, as 64 hexadecimal digits."""
    part: str = ""
    """Submodule that the file fills; the empty name is the whole network."""

    def fetch(self) -> Path:
        """The file in the cache, downloaded if it is not there, its content checked.

        Raises
        ------
        DrbenchError
            If it cannot be downloaded, or has another content.
        """
        path = cache_dir() / "pretrained" / f"{self.sha256}.safetensors"
        if not path.is_file():
            url = f"https://huggingface.co/{self.repository}/resolve/{self.revision}/{self.file}"
            download(RemoteFile(url=url, name=path.name, hash=f"sha256:{self.sha256}"), path)
        return _checked(path, self.sha256)


def _checked(path: Path, sha256: str) -> Path:
    """The path of a file whose content is as declared."""
    if (now := sha256_file(path)) != sha256:
        raise RunError(
            f"{path} has the SHA-256 {now[:12]}..., expected {sha256[:12]}...: it is damaged or "
            "another file. Remove it and put the declared one in its place."
        )
    return path
