"""Pins each image to the bytes that its tag stands for now: `make digests`, which needs skopeo and the images' registries.

Owns how a pinned image is written: NAME:TAG@sha256:…, the tag for people, the digest for Docker. Never makes up a digest:
where a registry is not reached, nothing is changed.
"""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parent.parent
FILES: Final = (_ROOT / "docker-compose.yml", _ROOT / "deploy" / "Dockerfile")

PINNED, NOT_ASKED = 0, 3  # exit codes

# An image that others made, with its tag, and its digest if it has one. Ours is built from this tree.
_IMAGE: Final = re.compile(
    r"^(?P<before>\s*image: |FROM )(?P<image>(?!posventa:)[^\s@]+:[^\s@]+)(?P<digest>@\S+)?", re.MULTILINE
)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


def images(text: str) -> dict[str, str | None]:
    """The images that a Compose file or a Dockerfile names, NAME:TAG, and the digest of each that has one."""
    return {found["image"]: (found["digest"] or "@")[1:] or None for found in _IMAGE.finditer(text)}


def pinned(text: str, digests: Mapping[str, str]) -> str:
    """The text with these digests, by image. Raises KeyError for an image that has none."""
    return _IMAGE.sub(lambda found: f"{found['before']}{found['image']}@{digests[found['image']]}", text)


def _digest(image: str) -> str:
    """What an image's tag stands for in its registry: the list for all platforms. Raises OSError when nobody can tell."""
    command = ["skopeo", "inspect", "--no-tags", "--format", "{{.Digest}}", f"docker://{image}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - images are ours to name
    if done.returncode != 0 or not _DIGEST.fullmatch(done.stdout.strip()):
        raise OSError(f"{image}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout.strip()


def main() -> int:
    """Writes the digests into the files, or says why it could not."""
    texts = {file: file.read_text() for file in FILES}
    before = {image: digest for text in texts.values() for image, digest in images(text).items()}
    try:
        now = {image: _digest(image) for image in before}
    except FileNotFoundError:
        print("skopeo is not installed; it asks registries for digests: apt-get install skopeo", file=sys.stderr)
        return NOT_ASKED
    except OSError as error:
        print(
            f"NOT PINNED, nothing is changed: {error}; run `make digests` where the registry can be reached",
            file=sys.stderr,
        )
        return NOT_ASKED
    for file, text in texts.items():
        file.write_text(pinned(text, now))
    for image, digest in now.items():
        print(f"{image}: {digest}{'' if digest == before[image] else f', before: {before[image]}'}")
    return PINNED


if __name__ == "__main__":
    sys.exit(main())
