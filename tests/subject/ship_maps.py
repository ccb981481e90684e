"""`make maps`: write the maps of the models that come with ppcheck again."""

from __future__ import annotations

from ppcheck.demo import weights_path
from ppcheck.subject.engine.mapping import found_map
from ppcheck.subject.load import load, resolve
from ppcheck.subject.model.files import file_hash
from ppcheck.subject.model.site_map import SHIPPED, as_json


def shipped() -> dict[str, bytes]:
    """The content of each file, by its name."""
    hooks = load(resolve("demo"))._engine.hooks
    found, _ = found_map(hooks.root, hooks.bridge, hooks.model)
    path = weights_path(None)
    assert path is not None
    return {f"{file_hash([path / 'config.json'])}.json": as_json(found)}


if __name__ == "__main__":
    SHIPPED.mkdir(exist_ok=True)
    for name, content in shipped().items():
        (SHIPPED / name).write_bytes(content)
