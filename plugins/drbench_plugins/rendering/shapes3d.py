"""Draws the room of 3D Shapes from its classes, by casting rays.

The camera goes round the middle of a square room, where the solid stands; the lights go with it.
What hides what depends on shape, scale and orientation alone. Colours enter as a sum of layers: a
channel of a hue is one of six levels, so each of the 480 views is kept as one layer a surface and
level, and any picture of it is four additions.

All constants were fitted to real frames: the camera and the room to the edges of the walls, solids,
light and shades by least squares on the pixels, the pattern to what was left on the walls. Lengths
are in heights of the camera above the floor.
"""

import colorsys
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int, UInt8

SIDE = 64
"""Side of an image in pixels."""
HUES = tuple(k / 10 for k in range(10))
"""Hues of floor, walls and solid, as parts of the circle; saturation and value are 1."""
SCALES = np.linspace(0.75, 1.25, 8)
SHAPES = ("cube", "cylinder", "sphere", "capsule")
ORIENTATIONS = np.linspace(-30.0, 30.0, 15)
"""Angles by which the camera is turned about the solid, in degrees."""

_FINE = 3  # rays along each side of a pixel
_FOCAL, _HORIZON = 69.26, 32.11  # pixels; row from the top
_CAMERA = np.array([0.0, -3.395, 1.0], dtype=np.float32)
_LIGHT = np.array([-1.776, 0.389, 9.553], dtype=np.float32)
_FORWARD = np.array([0.0, 1.0, 0.0], dtype=np.float32)
_WALL_DISTANCE, _WALL_HEIGHT = 4.714, 2.685
# Half a side of the cube, and the radius of the others, at scale 1. The cylinder is as high as it
# is wide, and so is the straight part of the capsule.
_SIZES = (0.4714, 0.5061, 0.5701, 0.4362)

_AMBIENT, _HEADLIGHT, _LAMP = 0.353, 0.588, 0.914
_LAMP_EXPONENT = 9.68  # the lamp points straight down and is weaker to the sides
_GLOSS = 0.124
_GLOSS_SLOPE, _GLOSS_START = 8.65, 0.568  # gloss sets in where the lamp grazes the solid
_SKY_RGB = (153, 226, 249)

_MARK = ((-2.63, 1.65), (-2.17, 1.0))  # ends of one mark on the wall: along it, and up
_MARK_RADIUS, _MARK_DEPTH = 0.2, 0.07
_RIPPLE = 0.01

_LEVELS = 6
_SKY, _FLOOR, _WALL, _SOLID = range(4)
_LEVEL = np.array(
    [[round(5 * channel) for channel in colorsys.hsv_to_rgb(hue, 1, 1)] for hue in HUES]
)  # (hue, channel)

Points = Float[np.ndarray, "ray 3"]
Span = tuple[Float[np.ndarray, "ray"], Float[np.ndarray, "ray"]]


def draw(codes: Int[np.ndarray, "k factor"]) -> UInt8[np.ndarray, "k height width channel"]:
    """Draw pictures of the room.

    Parameters
    ----------
    codes : (k, 6) int
        Classes of floor hue, wall hue, hue of the solid, scale, shape and orientation.

    Returns
    -------
    images : (k, 64, 64, 3) uint8
        Red, green, blue.
    """
    images = np.empty((len(codes), 3, SIDE * SIDE), dtype=np.uint8)
    for image, row in zip(images, codes.tolist(), strict=True):
        floor, wall, solid, *view = row
        layers = _layers(*view)
        np.add(layers[_level(_FLOOR, floor)], layers[_level(_WALL, wall)], out=image)
        image += layers[_level(_SOLID, solid)]
        image += layers[:3]
    return np.ascontiguousarray(images.transpose(0, 2, 1)).reshape(-1, SIDE, SIDE, 3)


def _level(surface: int, hue: int) -> Int[np.ndarray, "channel"]:
    """Layers that hold the channels of a surface in a hue."""
    return 3 + _LEVELS * (surface - 1) + _LEVEL[hue]


@lru_cache(maxsize=len(SCALES) * len(SHAPES) * len(ORIENTATIONS))  # 41 MB when all are there
def _layers(scale: int, shape: int, orientation: int) -> UInt8[np.ndarray, "layer pixel"]:
    """Share of each pixel's value: of the sky (3 channels), then of each surface (6 levels)."""
    angle = float(np.radians(ORIENTATIONS[orientation]))
    rays = _turned(_rays(), angle)
    camera, forward, light = (_turned(v, angle) for v in (_CAMERA, _FORWARD, _LIGHT))
    size = float(_SIZES[shape] * SCALES[scale])
    surface, points, normals = _seen(shape, size, camera, rays)

    to_light = light - points
    to_light /= np.linalg.norm(to_light, axis=1, keepdims=True)
    facing = np.einsum("rc,rc->r", normals, to_light)
    lamp = np.maximum(facing, 0) * np.maximum(to_light[:, 2], 0) ** _LAMP_EXPONENT
    on_floor = np.flatnonzero(surface == _FLOOR)
    dark = np.isfinite(_entry(shape, size, points[on_floor], to_light[on_floor]))
    lamp[on_floor[dark]] = 0
    shade = _AMBIENT + _HEADLIGHT * np.maximum(-normals @ forward, 0) + _LAMP * lamp
    on_wall = np.flatnonzero(surface == _WALL)
    shade[on_wall] *= _pattern(points[on_wall], normals[on_wall])
    gloss = _GLOSS * np.clip(_GLOSS_SLOPE * facing + _GLOSS_START, 0, 1) * (surface == _SOLID)
    if shape == 0:  # the sides of a cube never shine
        gloss *= normals[:, 2] > 0

    sky = _shares(surface == _SKY)
    layers = [channel * sky for channel in _SKY_RGB]
    values = [np.minimum(shade * (n / 5) + gloss, 1) for n in range(_LEVELS)]
    for one in (_FLOOR, _WALL, _SOLID):
        layers += [255 * _shares(np.where(surface == one, value, 0)) for value in values]
    # Cut, not rounded: the shares of a pixel must not add up to more than 255.
    return np.stack(layers).astype(np.uint8)


def _shares(values: np.ndarray) -> Float[np.ndarray, "pixel"]:
    """Means over the rays of each pixel."""
    means: np.ndarray = values.reshape(_FINE * _FINE, SIDE * SIDE).mean(axis=0)
    return means


@lru_cache(maxsize=1)
def _rays() -> Points:
    """Directions through each pixel; those of one pixel lie SIDE * SIDE apart."""
    within = (np.arange(_FINE) + 0.5) / _FINE
    pixel = np.arange(SIDE)
    down, right, row, column = np.meshgrid(within, within, pixel, pixel, indexing="ij")
    across = (column + right - SIDE / 2) / _FOCAL
    up = (_HORIZON - row - down) / _FOCAL
    rays = np.stack([across, np.ones_like(across), up], axis=-1).reshape(-1, 3)
    return rays.astype(np.float32)


def _turned(vectors: np.ndarray, angle: float) -> np.ndarray:
    """From the camera's directions to those of the room."""
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], dtype=np.float32)
    turned: np.ndarray = vectors @ turn
    return turned


def _seen(
    shape: int, size: float, camera: Float[np.ndarray, "3"], rays: Points
) -> tuple[Int[np.ndarray, "ray"], Points, Points]:
    """Surface that each ray meets first, the point, and the surface's normal there."""
    with np.errstate(divide="ignore"):
        to_floor = np.where(rays[:, 2] < 0, -camera[2] / rays[:, 2], np.inf)
        to_left, to_right = ((side - camera[0]) / rays[:, 0] for side in _walls())
        to_back = (_WALL_DISTANCE - camera[1]) / rays[:, 1]
    to_walls = np.stack([to_left, to_right, to_back])
    to_walls[to_walls <= 0] = np.inf
    which, to_wall = to_walls.argmin(axis=0), to_walls.min(axis=0)
    to_wall[camera[2] + to_wall * rays[:, 2] > _WALL_HEIGHT] = np.inf
    to_solid = _entry(shape, size, camera, rays)

    distance = np.stack([np.full(len(rays), np.inf), to_floor, to_wall, to_solid])
    surface = distance.argmin(axis=0)  # the sky, first of equals, where nothing is met
    nearest = distance.min(axis=0)
    points = camera + np.where(np.isfinite(nearest), nearest, 0)[:, None] * rays
    normals = np.zeros_like(points)
    normals[surface == _FLOOR] = (0, 0, 1)
    inward = np.array([(1, 0, 0), (-1, 0, 0), (0, -1, 0)])
    normals[surface == _WALL] = inward[which[surface == _WALL]]
    normals[surface == _SOLID] = _normals(shape, size, points[surface == _SOLID])
    return surface, points, normals


def _walls() -> tuple[float, float]:
    return -_WALL_DISTANCE, _WALL_DISTANCE


def _pattern(points: Points, normals: Points) -> Float[np.ndarray, "ray"]:
    """Brightness of the walls' pattern, about 1: fine ripples, and a dark mark on each tile."""
    # From left to right on the wall, as seen from the middle of the room.
    along = points[:, 0] * -normals[:, 1] + points[:, 1] * normals[:, 0]
    up = points[:, 2]
    a, b = 2 * np.pi * along / _WALL_HEIGHT, 2 * np.pi * up / _WALL_HEIGHT  # tiles are square
    ripples = np.cos(5 * a + 8 * b) + np.cos(5 * a - 8 * b) + np.cos(10 * a)
    (left, top), (right, bottom) = _MARK
    du = (along - left + _WALL_HEIGHT / 3) % _WALL_HEIGHT - _WALL_HEIGHT / 3
    dv = up - top
    u, v = right - left, bottom - top
    part = np.clip((du * u + dv * v) / (u * u + v * v), 0, 1)
    marked = np.hypot(du - part * u, dv - part * v) < _MARK_RADIUS
    brightness: np.ndarray = 1 + _RIPPLE * ripples - _MARK_DEPTH * marked
    return brightness


def _entry(shape: int, size: float, origin: np.ndarray, rays: Points) -> Float[np.ndarray, "ray"]:
    """Distance along each ray to the solid, infinite where it passes by."""
    low, high = _straight(shape, size)
    upright = _between(origin[..., 2], rays[:, 2], low, high)
    if shape == 0:
        sides = [_between(origin[..., axis], rays[:, axis], -size, size) for axis in (0, 1)]
        return _all(upright, *sides)
    entry = _all(upright, _ball(origin[..., :2], rays[:, :2], size))
    if shape == 1:
        return entry
    for middle in (low, high):
        centre = np.array([0, 0, middle], dtype=np.float32)
        entry = np.minimum(entry, _all(_ball(origin - centre, rays, size)))
    return entry


def _normals(shape: int, size: float, points: Points) -> Points:
    low, high = _straight(shape, size)
    middle = np.clip(points[:, 2], low, high) if shape > 1 else (low + high) / 2
    out = points - np.multiply.outer(middle, (0.0, 0.0, 1.0)).astype(np.float32)
    if shape == 0:  # the face that is nearest
        out *= np.abs(out) == np.abs(out).max(axis=1, keepdims=True)
    elif shape == 1:  # top, or side
        is_top = out[:, 2] > np.hypot(out[:, 0], out[:, 1])
        out *= np.where(is_top[:, None], (0, 0, 1), (1, 1, 0))
    normals: np.ndarray = out / np.linalg.norm(out, axis=1, keepdims=True)
    return normals


def _straight(shape: int, size: float) -> tuple[float, float]:
    """Where the straight part of the solid starts and ends above the floor; none on a sphere."""
    return {0: (0.0, 2 * size), 1: (0.0, 2 * size), 2: (size, size), 3: (size, 3 * size)}[shape]


def _between(origin: np.ndarray, rays: np.ndarray, low: float, high: float) -> Span:
    """Part of each ray between two planes."""
    with np.errstate(divide="ignore"):
        one, other = (low - origin) / rays, (high - origin) / rays
    return np.minimum(one, other), np.maximum(one, other)


def _ball(origin: np.ndarray, rays: np.ndarray, radius: float) -> Span:
    """Part of each ray inside a ball about zero, or, of two coordinates, inside an upright tube."""
    a = (rays * rays).sum(axis=-1)
    b = (rays * origin).sum(axis=-1)
    c = (origin * origin).sum(axis=-1) - radius * radius
    square = b * b - a * c
    root = np.sqrt(np.maximum(square, 0))
    missed = square < 0
    return np.where(missed, np.inf, (-b - root) / a), np.where(missed, -np.inf, (root - b) / a)


def _all(*spans: Span) -> Float[np.ndarray, "ray"]:
    """Where each ray first is in all of the spans and in front of its origin."""
    enter = np.max([span[0] for span in spans], axis=0)
    leave = np.min([span[1] for span in spans], axis=0)
    # Not at the origin itself: the floor under a solid does not hide the light from itself.
    entry: np.ndarray = np.where((enter <= leave) & (enter > 1e-4), enter, np.inf)
    return entry
