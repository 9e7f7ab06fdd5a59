"""Small files in each official layout, with the real containers."""

import gzip
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
from drbench_plugins.rendering.dsprites import draw
from PIL import Image
from scipy.io import savemat


def write_mpi3d(folder: Path, name: str, images: np.ndarray, *, compressed: bool = False) -> Path:
    """`name`.npz with the key `images`, as the makers have it uncompressed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.npz"
    (np.savez_compressed if compressed else np.savez)(path, images=images)
    return path


def write_shapes3d(folder: Path, images: np.ndarray, labels: np.ndarray, **options: object) -> Path:
    """3dshapes.h5; `options` such as chunks and compression go to the data set of images."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "3dshapes.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("images", data=images, **options)
        file["labels"] = labels
    return path


def write_cars3d(folder: Path, number: int, im: np.ndarray, *, compressed: bool = True) -> Path:
    """One car's MATLAB file: `im` (128, 128, 3, azimuth, elevation), and its mask beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"car_{number:03d}_mesh.mat"
    mask = np.zeros((*im.shape[:2], *im.shape[3:]), np.uint8)
    savemat(path, {"im": im, "mask": mask}, do_compression=compressed)
    return path


def write_norb_matrix(path: Path, array: np.ndarray, *, magic: int | None = None) -> Path:
    """Magic number, dimensions, at least three sizes, data; compressed if the name ends in gz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    types = {np.dtype("u1"): 0x1E3D4C55, np.dtype("<i4"): 0x1E3D4C54}
    sizes = [*array.shape, 1, 1][: max(array.ndim, 3)]
    header = struct.pack(
        f"<{2 + len(sizes)}i", types[array.dtype] if magic is None else magic, array.ndim, *sizes
    )
    data = header + array.tobytes()
    path.write_bytes(gzip.compress(data, 1) if path.suffix == ".gz" else data)
    return path


def write_smallnorb(
    folder: Path, part: str, images: np.ndarray, labels: np.ndarray, *, suffix: str = ".mat.gz"
) -> dict[str, Path]:
    """The files dat, cat and info of one part.

    `images` (n, 2, 96, 96) uint8; `labels` (n, 5): category, instance, elevation, azimuth and
    lighting as they are on disk (azimuth 0 to 34).
    """
    stem = {
        "training": "smallnorb-5x46789x9x18x6x2x96x96-training",
        "testing": "smallnorb-5x01235x9x18x6x2x96x96-testing",
    }[part]
    labels = labels.astype("<i4")
    arrays = {"dat": images, "cat": labels[:, 0], "info": labels[:, 1:]}
    return {
        kind: write_norb_matrix(folder / f"{stem}-{kind}{suffix}", array)
        for kind, array in arrays.items()
    }


def write_png(path: Path, image: np.ndarray) -> Path:
    """A PNG file: 1 bit of a bool array, 8 of uint8, 16 of uint16; RGB if it has 3 channels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path)
    return path


def write_zip(path: Path, folder: Path, *, top: str = "") -> Path:
    """An archive of all files below a folder, which is called `top` in it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            archive.write(file, f"{top}/{file.relative_to(folder)}".lstrip("/"))
    return path


def write_isaac3d(folder: Path, images: dict[int, np.ndarray], labels: np.ndarray) -> Path:
    """labels.npy, and images/000000.png and so on, of which only some rows may be there."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "labels.npy", labels)
    for row, image in images.items():
        write_png(folder / "images" / f"{row:06d}.png", image)
    return folder


def write_rgbd_frame(
    folder: Path,
    name: tuple[str, int, int, int],
    crop: np.ndarray,
    depth: np.ndarray,
    mask: np.ndarray,
    *,
    pose: float | str | None = None,
) -> Path:
    """The files of one frame; `name` is category, instance, video and frame."""
    category, instance, video, frame = name
    stem = f"{category}_{instance}_{video}_{frame}"
    place = folder / category / f"{category}_{instance}"
    write_png(place / f"{stem}_crop.png", crop)
    write_png(place / f"{stem}_depthcrop.png", depth)
    write_png(place / f"{stem}_maskcrop.png", mask)
    (place / f"{stem}_loc.txt").write_text("224,211\n")
    if pose is not None:
        (place / f"{stem}_pose.txt").write_text(f"{pose}\n")
    return place


def write_brodatz(folder: Path, textures: dict[str, np.ndarray]) -> Path:
    """Normalized_Brodatz/D11.tif and so on."""
    place = folder / "Normalized_Brodatz"
    place.mkdir(parents=True, exist_ok=True)
    for name, texture in textures.items():
        Image.fromarray(texture).save(place / f"{name}.tif")
    return place


def write_dsprites(
    folder: Path,
    codes: np.ndarray,
    imgs: np.ndarray | None = None,
    *,
    kind: str = "npz",
    **members: np.ndarray,
) -> Path:
    """dsprites_..._64x64.npz or .hdf5; the single colour of the classes is added in front."""
    folder.mkdir(parents=True, exist_ok=True)
    imgs = draw(codes).astype(np.uint8) if imgs is None else imgs
    path = folder / f"dsprites_ndarray_co1sh3sc6or40x32y32_64x64.{kind}"
    classes = np.concatenate([np.zeros((len(codes), 1), np.int64), codes], axis=1)
    values = classes.astype(float)
    if kind == "npz":
        arrays = {"imgs": imgs, "latents_classes": classes, "latents_values": values}
        np.savez_compressed(path, **arrays, **members)
    else:
        with h5py.File(path, "w") as file:
            file["imgs"] = imgs
            file["latents/classes"] = classes
            file["latents/values"] = values
    return path
