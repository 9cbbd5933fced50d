"""Every command on every page, typed in order by a reader in a workspace of their own."""

from __future__ import annotations

import csv
import shutil
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import kit
from kit import places
from kit.train import provenance
from tests.docs import pages
from tests.docs.reader import Mistake, look_over, reading

Read = Callable[..., Path]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """Reads a page, and before it those that it goes on from; gives the workspace as the page leaves it."""
    kept: dict[str, Path] = {}
    hosts = tmp_path_factory.mktemp("hosts")
    patch = pytest.MonkeyPatch()
    patch.setattr(provenance, "git", lambda folder: None)  # readers' own changes of the checkout are no break
    with places.environment({"KIT_HOME": str(hosts)}):
        kit.download("digit-recognizer", sample=True)

    def until_the_end(name: str, *, slow: bool = False) -> Path:
        page = pages.page(name)
        if name in kept and not slow:
            return kept[name]
        home = tmp_path_factory.mktemp("home")
        if page.after:
            shutil.copytree(until_the_end(page.after), home, dirs_exist_ok=True)
        files_at_hand(home)
        with reading(home, hosts) as reader:
            reader.read(page, slow=slow)
        kept[name] = home
        return home

    yield until_the_end
    patch.undo()


def files_at_hand(home: Path) -> None:
    """What readers have of their own: tweets, a picture, a recording, a submission that was made without kit."""
    from PIL import Image
    from sklearn.datasets import load_digits

    with (home / "new-tweets.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "keyword", "location", "text"])
        rows.writerow([1, "wildfire", "", "Forest fire near the village, people are leaving"])
        rows.writerow([2, "", "Lima", "I love this song so much"])
    digits = load_digits()
    seven = digits.images[list(digits.target).index(7)]
    Image.fromarray((seven * 255 / 16).astype(np.uint8)).resize((28, 28)).save(home / "seven.png")
    with wave.open(str(home / "me.wav"), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        times = np.arange(4000) / 8000
        sound.writeframes((8000 * np.sin(2 * np.pi * 300 * times) * np.hanning(4000)).astype("<i2").tobytes())
    (home / "mine.csv").write_text("ImageId,Label\n" + "".join(f"{n},{n % 10}\n" for n in range(1, 451)))


@pytest.mark.parametrize("name", pages.NAMES)
def test_every_command_of_a_page_does_what_the_page_says(name: str, read: Read) -> None:
    read(name)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [name for name in pages.NAMES if any(block.has("slow") for block in pages.page(name).blocks)]
)
def test_every_command_that_takes_longer_does_what_the_page_says(name: str, read: Read) -> None:
    read(name, slow=True)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("```bash\nkit trian digit-recognizer\n```", "'kit trian digit-recognizer' ended with 2"),
        ("```bash\nkit list nowhere\n```", "No competition is called 'nowhere'"),
        ("```bash\nkit list\n```\n\n```text\nno-such-line\n```", "the page quotes\nno-such-line"),
        ("```bash\nrm -r data\n```", "'rm -r data' is no command that can be checked"),
        ("```bash\nmake cake\n```", r"the Makefile has no target \['cake'\]"),
        ("```bash\npip install -e '.[cake]'\n```", r"the package has no extra \['cake'\]"),
        ("```bash\ncat nowhere.txt\n```", "'cat nowhere.txt' ended with 1"),
        ("```python\nassert kit\n```", "NameError: name 'kit' is not defined"),
    ],
)
def test_a_page_that_says_what_is_not_so_is_found_out(text: str, wrong: str, tmp_path: Path) -> None:
    page = pages.Page("docs/wrong.md", text, pages.blocks(text))
    with reading(tmp_path, tmp_path) as reader, pytest.raises(Mistake, match=wrong) as mistake:
        reader.read(page)
    assert str(mistake.value).startswith("docs/wrong.md, line ")


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("kit push digit-recognizer cnn --acelerator t4", "No such option"),
        ("kit push digit-recognizer cnnn", "No recipe is called 'cnnn'. Did you mean 'cnn'"),
        ("kit push digit-recognizer cnn --set epoch=3", "Recipe cnn has no setting 'epoch'"),
        ("KERAS_BACKEND=jax kit train --folds many digit-recognizer", "'many' is not a valid integer"),
        ("kit kernel bake digit-recognizer", "is no verb of kit"),
    ],
)
def test_a_wrong_option_in_a_block_that_cannot_run_is_found_out(line: str, wrong: str) -> None:
    with pytest.raises(Mistake, match=wrong):
        look_over(pages.Block(1, "bash", line, not_run="it needs a GPU on Kaggle"))


def test_a_comment_that_means_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="which is none of"):
        pages.blocks("<!-- slowly -->\n```bash\nkit list\n```\n")
