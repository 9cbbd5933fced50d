"""Word vectors: read as a stream, by the words that are asked for; what a file may not hold is refused by its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from kit.errors import KitError
from kit.toolbox import vectors

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "embeddings.zip"


@pytest.fixture
def glove(tmp_path):
    """A file of three words, one of them with spaces and one twice."""
    path = tmp_path / "glove.txt"
    path.write_text("the 0.1 0.2\nfilm -1 2.5\n. . . 3 4\nthe 9 9\nñandú 5 6\n", encoding="utf-8")
    return path


def test_vectors_are_in_the_order_of_the_words_asked_for_and_zeros_where_the_file_lacks_one(glove):
    read = vectors.read(glove, ["film", "zebra", "the"])
    assert read.words == ("film", "zebra", "the")
    assert read.matrix.dtype == np.float32
    np.testing.assert_array_equal(read.matrix, np.array([[-1, 2.5], [0, 0], [0.1, 0.2]], np.float32))
    assert read.known.tolist() == [True, False, True] and read.width == 2


def test_coverage_is_told_of_the_words_and_of_a_text_in_which_they_stand(glove):
    read = vectors.read(glove, ["film", "zebra", "the", "lion"])
    assert read.coverage == 0.5
    assert read.covered([1, 1, 8, 0]) == 0.9
    assert read.covered([0, 0, 0, 0]) == 0.0


def test_words_with_spaces_and_in_other_scripts_are_words(glove):
    assert vectors.read(glove, [". . .", "ñandú"]).matrix.tolist() == [[3, 4], [5, 6]]


def test_a_packed_file_and_one_with_a_header_of_word2vec_read_alike(glove, tmp_path):
    headed = tmp_path / "headed.txt.gz"
    headed.write_bytes(gzip.compress(b"4 2\n" + glove.read_bytes()))
    np.testing.assert_array_equal(vectors.read(headed, ["the"]).matrix, vectors.read(glove, ["the"]).matrix)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no vectors"),
        ("the 0.1 0.2 0.3\nfilm 1 2\n", "Line 2 of .* has 2 numbers, and the first one 3"),
        ("the 0.1 0.2\nfilm 1 x\n", "Line 2 of .* something else than numbers"),
        ("the 0.1 0.2\nfilm 1 nan\n", "Line 2 of .* 2 finite numbers"),
        ("the\n", "Line 1 of .* is no word with numbers"),
        ("id,review\n1,good film\n", "is no word with numbers"),
        ("dog 1 2\ncat 3 4\n", "has none of the 2 words, such as 'the', 'film'"),
        ("the " + "1 " * vectors.LONGEST, "Line 1 of .* has more than 1,048,576 bytes"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(tmp_path, text, message):
    path = tmp_path / "glove.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(KitError, match=message):
        vectors.read(path, ["the", "film"])


def test_a_zip_file_and_a_packed_one_that_was_cut_off_are_refused_by_name(tmp_path, glove):
    (tmp_path / "glove.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(KitError, match="is a zip file") as caught:
        vectors.read(tmp_path / "glove.zip", ["the"])
    assert caught.value.cure == f"unzip {tmp_path / 'glove.zip'}"
    (tmp_path / "cut.gz").write_bytes(gzip.compress(glove.read_bytes())[:-12])
    with pytest.raises(KitError, match="cannot be read"):
        vectors.read(tmp_path / "cut.gz", ["the"])


def test_a_missing_file_gives_the_command_that_downloads_it(tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    with pytest.raises(KitError, match=r"no word vectors 'glove\.6B\.100d\.txt'") as caught:
        vectors.read("glove.6B.100d.txt", ["the"])
    assert caught.value.cure.endswith("glove.6B.zip && unzip glove.6B.zip")
    assert str(tmp_path / "data" / "vectors") in caught.value.cure


def test_a_file_in_data_vectors_of_the_workspace_is_known_by_its_name(glove, tmp_path, monkeypatch):
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    (tmp_path / "data" / "vectors").mkdir(parents=True)
    glove.rename(tmp_path / "data" / "vectors" / "my.txt")
    assert vectors.locate("my.txt") == tmp_path / "data" / "vectors" / "my.txt"


@pytest.mark.realdata
@pytest.mark.skipif(not REAL.is_file(), reason="../shared/data/embeddings.zip is not here")
def test_a_real_file_has_the_vectors_that_numpy_reads(tmp_path):
    import zipfile

    with zipfile.ZipFile(REAL) as archive:
        file = Path(archive.extract("glove.6B.50d-relativized.txt", tmp_path))
    lines = file.read_text(encoding="utf-8").splitlines()
    read = vectors.read(file, [lines[10].split(" ")[0], "no-such-word-at-all"])
    np.testing.assert_allclose(read.matrix[0], np.array(lines[10].split(" ")[1:], float), rtol=1e-6)
    assert read.width == 50 and read.coverage == 0.5
