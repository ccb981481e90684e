from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ppcheck.demo import REVISIONS, weights_path
from ppcheck.errors import ModelError
from ppcheck.subject.model.locate import ModelRef, locate, on_disk, resolve


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory that looks like a model."""
    for name in ("config.json", "model.safetensors"):
        (tmp_path / name).touch()
    return tmp_path


def test_the_demo_and_its_revisions_are_directories_of_the_package() -> None:
    assert resolve("demo") == ModelRef("demo", None, weights_path(), "demo")
    tuned = ModelRef("demo", "tuned", weights_path("tuned"), "demo@tuned")
    assert resolve("demo@tuned") == resolve("demo", "tuned") == tuned
    assert all((weights_path(revision) / "model.safetensors").is_file() for revision in REVISIONS)


def test_an_unknown_revision_of_the_demo_names_the_known_ones() -> None:
    with pytest.raises(ModelError, match=r"no revision 'tund'; did you mean 'tuned'"):
        resolve("demo@tund")


def test_a_directory_goes_by_the_name_that_it_was_given(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    assert resolve(str(folder)) == ModelRef(str(folder), None, folder, str(folder))
    for name in (folder.name, f"./{folder.name}"):
        assert resolve(name) == ModelRef(name, None, Path(name), name)


def test_a_directory_named_demo_does_not_hide_the_demo(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    folder.rename("demo")
    assert resolve("demo").path == weights_path()
    assert resolve("./demo").path == Path("demo")


def test_a_hub_name_may_carry_its_revision() -> None:
    assert resolve("gpt2") == ModelRef("gpt2", None, None, "gpt2")
    at_main = ModelRef("org/model", "main", None, "org/model@main")
    assert resolve("org/model@main") == resolve("org/model", "main") == at_main


def test_a_directory_has_no_revision(folder: Path) -> None:
    with pytest.raises(ModelError, match="is on disk and has no revision 'main'"):
        resolve(str(folder), "main")


def test_a_path_that_is_no_directory_is_not_looked_for_on_the_hub() -> None:
    with pytest.raises(
        ModelError, match=r"\./nowhere is not a model: there is no directory nowhere"
    ):
        resolve("./nowhere")


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("config.json", "is not a model: .* holds no config.json"),
        ("model.safetensors", "has no weights: .* holds no model.safetensors"),
    ],
)
def test_a_directory_that_lacks_a_file_is_told_which(
    folder: Path, missing: str, message: str
) -> None:
    (folder / missing).unlink()
    with pytest.raises(ModelError, match=message):
        resolve(str(folder))


def test_pickled_weights_are_refused_unless_allowed(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    ref = resolve(str(folder))
    with pytest.raises(ModelError, match=r"only pickled weights.*--ppcheck-allow-pickle"):
        locate(ref, allow_pickle=False)
    assert locate(ref, allow_pickle=True) == folder


@pytest.fixture(scope="module")
def silent_hub() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ({"HF_HUB_OFFLINE": "1"}, "offline mode"),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "refused"),
        pytest.param({"HF_ENDPOINT": "silent"}, "timed out", marks=pytest.mark.slow),
    ],
)
def test_a_hub_name_that_cannot_be_reached_is_one_error_and_soon(
    tmp_path: Path, silent_hub: str, setting: dict[str, str], reason: str
) -> None:
    script = (
        "from ppcheck.subject.load import load, resolve; from ppcheck.errors import ModelError\n"
        "try: load(resolve('nobody/nothing@v2'))\n"
        "except ModelError as error: print(error)"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    hub = {name: value.replace("silent", silent_hub) for name, value in setting.items()}
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**kept, "HF_HOME": str(tmp_path), **hub},
        capture_output=True,
        text=True,
        check=True,
    )
    assert time.monotonic() - start < 15
    assert done.stderr == ""
    message = done.stdout.strip()
    assert message.startswith(
        "nobody/nothing@v2 is neither in the cache nor to be had from the hub at revision v2"
    )
    assert reason in message
    assert message.endswith("give its directory: ./path/to/it")
    assert "\n" not in message


@pytest.fixture
def snapshot(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The model org/model in the cache, without a network."""
    from huggingface_hub import constants

    cache = tmp_path_factory.mktemp("cache")
    model = cache / "models--org--model"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text("a" * 40)
    (model / "snapshots").mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    return folder.rename(model / "snapshots" / ("a" * 40))


def test_a_model_in_the_cache_needs_no_network(snapshot: Path) -> None:
    assert locate(resolve("org/model"), allow_pickle=False) == snapshot


def test_what_is_in_the_cache_is_loaded_from_there_and_the_hub_is_not_asked(
    snapshot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a commit, too: what the hub has under the name by now does not matter."""
    from huggingface_hub import HfApi, constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(HfApi, "model_info", lambda *_, **__: pytest.fail("the hub was asked"))
    ref = resolve("org/model")
    assert on_disk(ref, allow_pickle=False) == (snapshot,)
    assert locate(ref, allow_pickle=False) == snapshot


def test_what_would_have_to_be_downloaded_is_not_on_disk(snapshot: Path) -> None:
    assert on_disk(resolve("org/model@v2"), allow_pickle=False) is None
    assert on_disk(resolve("org/other"), allow_pickle=False) is None
    assert on_disk(resolve("a/b/c"), allow_pickle=False) is None
    (snapshot / "model.safetensors").unlink()
    assert on_disk(resolve("org/model"), allow_pickle=False) is None


def test_a_reference_that_moves_on_is_followed_as_loading_follows_it(snapshot: Path) -> None:
    ref = resolve("org/model")
    later = shutil.copytree(snapshot, snapshot.with_name("b" * 40))
    (snapshot.parents[1] / "refs" / "main").write_text("b" * 40)
    assert on_disk(ref, allow_pickle=False) == (later,) == (locate(ref, allow_pickle=False),)
    pinned = resolve(f"org/model@{'a' * 40}")
    assert on_disk(pinned, allow_pickle=False) == (snapshot,)


@pytest.mark.trust
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file: file.unlink(), "org/model has no weights: .* holds no model.safetensors"),
        (lambda file: file.rename(file.with_name("pytorch_model.bin")), "only pickled weights"),
    ],
)
def test_a_model_that_is_in_the_cache_without_weights_is_said_to_be_there(
    snapshot: Path, change: Callable[[Path], object], message: str
) -> None:
    change(snapshot / "model.safetensors")
    with pytest.raises(ModelError, match=message) as caught:
        locate(resolve("org/model"), allow_pickle=False)
    said = str(caught.value)
    assert "That is what the cache holds, and the rest is not to be had from the hub" in said
    assert "offline" in said
    assert "neither in the cache" not in said


def test_a_name_that_can_be_nothing_is_refused() -> None:
    with pytest.raises(ModelError, match="a/b/c is neither in the cache"):
        locate(resolve("a/b/c"), allow_pickle=False)


@pytest.mark.trust
def test_an_empty_revision_is_an_error() -> None:
    with pytest.raises(ModelError, match="demo@ names no revision"):
        resolve("demo@")
