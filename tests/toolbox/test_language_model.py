"""Models of texts: their tokens, the bits of texts, guesses of the next word, and what they write."""

import numpy as np
import pytest

from kit.errors import KitError
from kit.task.sampling import Sampling
from kit.toolbox.language import measures, ngrams, vocabulary
from kit.toolbox.language.model import Language

TEXTS = [
    "The cat sat on the mat, and the dog's bowl was empty.",
    "The dog sat on the mat.",
    "A cat and a dog sat on the well-kept lawn.",
    "The cat's owner said: the dog sat.",
] * 3


@pytest.fixture(scope="module", params=["words", "characters"])
def language(request):
    known = vocabulary.of_words(TEXTS) if request.param == "words" else vocabulary.of_characters(TEXTS)
    return Language(ngrams.fit(TEXTS, known, 5))


@pytest.mark.parametrize("text", [*TEXTS[:4], "", "_a_ (AP) -- $5.50 it's 'so' well--kept"])
def test_tokens_joined_again_are_the_text(text):
    words = vocabulary.of_words([*TEXTS, text], rarest=1)
    assert "".join(words.split(text)) == text
    assert words.decode(words.encode(text)) == text


def test_a_word_is_one_token_with_the_space_before_it():
    words = vocabulary.of_words(TEXTS)
    assert words.split("The dog's well-kept (AP)") == ["The", " dog's", " well-kept", " (", "AP", ")"]


def test_pieces_of_words_are_stored_and_joined_again(tmp_path):
    pytest.importorskip("tokenizers")
    pieces = vocabulary.of_pieces(TEXTS, 60)
    assert len(pieces) == 60 and pieces.tokens[:2] == ("\n", "")
    text = "The dog's cat \u4e2d (AP)"
    assert "".join(pieces.split(text)) == text
    assert len(pieces.split(text)) < len(text)
    # Only the characters that no text has are unknown: they cost as much as any.
    assert pieces.spelling(text) == vocabulary.ANY * len({*text} - {*"".join(TEXTS)})
    pieces.save(tmp_path)
    assert vocabulary.Vocabulary.load(tmp_path).encode(text).tolist() == pieces.encode(text).tolist()


def test_words_put_together_from_pieces_are_guessed_whole():
    pytest.importorskip("tokenizers")
    language = Language(ngrams.fit(TEXTS, vocabulary.of_pieces(TEXTS, 60), 5))
    assert language.guesses(["The dog sat on the"])[0][0] == "mat"


def test_a_vocabulary_of_an_unknown_kind_is_refused(tmp_path):
    vocabulary.of_characters(TEXTS).save(tmp_path)
    file = tmp_path / "vocabulary.json"
    file.write_text(file.read_text().replace("characters", "syllables"))
    with pytest.raises(KitError, match="is no vocabulary"):
        vocabulary.Vocabulary.load(tmp_path)


def test_bits_of_a_text_are_those_of_its_tokens_one_by_one(language):
    text = "The dog sat."
    tokens = [*language.vocabulary.encode(text), 0]
    state, p = language.inside.read([np.zeros(0, np.int64)])
    total = 0.0
    for token in tokens:
        total -= np.log2(p[0, token])
        state, p = language.inside.step(state, np.array([token]))
    assert language.bits([TEXTS[1], text])[1] == pytest.approx(total, rel=1e-6)


def test_unknown_words_and_characters_cost_what_it_takes_to_spell_them(language):
    plain, strange, stranger = language.bits(["The dog sat.", "The zog sat.", "The \u4e2d\u6587 sat."])
    assert plain < strange < stranger
    assert stranger > plain + 2 * vocabulary.ANY


def test_the_probabilities_of_all_short_texts_together_are_at_most_one():
    known = vocabulary.of_characters(["ab", "ba", "a"])
    language = Language(ngrams.fit(["ab", "ba", "a"], known, 3))
    every = ["", *"ab", *(a + b for a in "ab" for b in "ab")]
    assert 0.7 < (2.0 ** -language.bits(every)).sum() <= 1


def test_guesses_are_words_likeliest_first_and_no_two_the_same(language):
    (first, second) = language.guesses(["The dog sat on the", "The cat sat"])
    assert first[0] == "mat" and second[0] == "on"
    assert len(first) == 5 == len(set(first))


def test_a_guess_does_not_hang_on_the_contexts_beside_it(language):
    contexts = [text[: text.index(" ", 8)] for text in TEXTS] * 8
    alone = [language.guesses([context])[0] for context in contexts[:4]]
    assert language.guesses(contexts)[:4] == alone


def test_words_spelled_by_characters_are_the_likeliest_of_all_words():
    # Every word that the texts could go on with, each as likely as its characters and a mark behind it together.
    language = Language(ngrams.fit(TEXTS, vocabulary.of_characters(TEXTS), 5))
    known = language.vocabulary
    inside = [bool(token) and (token.isalnum() or token in "'-") for token in known.tokens]

    def likelihood(context, word):
        likely = language.inside.likely([known.encode(f"{context} {word}")])[len(context) :][: len(word) + 1]
        behind = language.inside.counts.after((0, *known.encode(f"{context} {word}")))
        return likely.prod() * (1 - behind[np.array(inside)].sum())

    (guessed,) = language.guesses(["The cat sat on the"])
    words = {w for text in TEXTS for w in vocabulary.WORD.findall(" " + text)}
    ranked = sorted(words, key=lambda word: -likelihood("The cat sat on the", word[1:]))
    assert guessed[:3] == [word[1:] for word in ranked[:3]]


def test_the_same_seed_writes_the_same_text_and_another_seed_another(language):
    def text(seed):
        return "".join(language.write("The", Sampling(1.5), 30, seed))

    assert text(1) == text(1)
    assert len({text(seed) for seed in range(5)}) > 1


def test_at_most_so_many_words_are_written(language):
    for words in (1, 2, 5):
        text = "".join(language.write("The dog", Sampling(1.0), words, 0))
        assert len(text.split()) <= words
        assert not text or text.startswith((" ", "'", ".", ","))


def test_a_prompt_of_characters_never_seen_and_one_of_a_thousand_words_are_gone_on_with(language):
    for prompt in ("\u4e2d\u6587 \u65e5", "The dog sat on the mat " * 300):
        assert isinstance("".join(language.write(prompt, Sampling(0.7), 3, 0)), str)


@pytest.mark.parametrize("prompt", ["", "  \n"])
def test_an_empty_prompt_is_refused_before_anything_is_written(language, prompt):
    with pytest.raises(KitError, match="prompt is empty"):
        language.write(prompt, Sampling(), 5, 0)


def test_no_words_are_refused(language):
    with pytest.raises(KitError, match="--words is 0"):
        language.write("The", Sampling(), 0, 0)


def test_a_stored_model_is_the_same_model(language, tmp_path):
    language.inside.save(tmp_path)
    again = Language(ngrams.NGrams.load(tmp_path))
    texts = [*TEXTS[:2], "A zog."]
    assert again.bits(texts).tolist() == language.bits(texts).tolist()


def test_measures_of_a_text_that_was_copied_and_of_one_that_repeats_itself():
    copied = measures.written([TEXTS[0]], TEXTS)
    assert copied["copied"] == 1 and copied["unknown"] == 0
    repeated = measures.written(["zog zog zog zog zog zog zog zog"], TEXTS)
    assert repeated == {
        "distinct_1": 1 / 8,
        "distinct_2": 1 / 7,
        "distinct_3": 1 / 6,
        "copied": 0,
        "unknown": 1,
    }


def test_perplexity_and_bits_are_over_words_and_characters_and_one_end_each():
    text = "two words"
    sizes = measures.characters(text), measures.words(text)
    assert sizes == (10, 3)
    assert measures.known(30.0, *sizes) == {"bits_per_character": 3.0, "perplexity": 1024.0}
