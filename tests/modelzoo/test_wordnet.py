"""ImageNet's classes as WordNet has them."""

import subprocess
import sys

import pytest

from lucidx.errors import InvalidValueError, MissingExtraError
from lucidx.modelzoo import wordnet

# A corpus in the files of WordNet, with the few lemmas that matter here besides the first name.
LEMMAS = {
    "n01484850": ["great_white_shark", "white_shark", "man-eater"],
    "n02129604": ["tiger", "Panthera_tigris"],
    "n01491361": ["tiger_shark", "Galeocerdo_cuvieri"],
}
TITLE = "  1 This corpus was made for a test.   WordNet 3.0 Copyright\n"


def write_corpus(directory):
    """Synsets of ImageNet at their offsets, and an adjective."""
    names = wordnet.imagenet_names()
    plain = {i: name.partition(" (")[0].replace(" ", "_") for i, name in names.items()}
    lemmas = {i: LEMMAS.get(i, [name]) for i, name in plain.items()}
    senses = {}
    with open(directory / "data.noun", "wb") as data:
        data.write(TITLE.encode())
        for id_str in sorted(lemmas):
            words = lemmas[id_str]
            offset = id_str[1:]
            data.seek(int(offset))
            listed = " ".join(f"{word} 0" for word in words)
            data.write(f"{offset} 05 n {len(words):02x} {listed} 000 | a thing  \n".encode())
            for word in words:
                senses.setdefault(word.lower(), []).append(offset)
    index = [
        f"{word} n {len(offsets)} 0 {len(offsets)} 0 {' '.join(offsets)}  \n"
        for word, offsets in sorted(senses.items())
    ]
    (directory / "index.noun").write_text("".join([TITLE, *index]))
    start = f"{len(TITLE):08d}"
    (directory / "data.adj").write_text(f"{TITLE}{start} 00 a 01 able 0 000 | having power  \n")
    (directory / "index.adj").write_text(f"{TITLE}able a 1 0 1 0 {start}  \n")
    for name in ("verb", "adv"):
        (directory / f"data.{name}").write_text(TITLE)
        (directory / f"index.{name}").write_text(TITLE)
    for name in ("adj", "adv", "noun", "verb"):
        (directory / f"{name}.exc").write_text("")
    (directory / "lexnames").write_text("".join(f"{i:02d}\tname.{i}\t1\n" for i in range(45)))
    for name in ("cntlist.rev", "index.sense"):
        (directory / name).write_text("")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    directory = tmp_path_factory.mktemp("nltk")
    corpus = directory / "corpora" / "wordnet"
    corpus.mkdir(parents=True)
    write_corpus(corpus)
    return directory


@pytest.fixture(scope="module")
def corpus(data):
    """What nltk's own reader makes of these files."""
    nltk = pytest.importorskip("nltk")
    paths = nltk.data.path[:]
    nltk.data.path[:] = [str(data)]
    yield
    nltk.data.path[:] = paths
    nltk.corpus.wordnet._unload()
    wordnet._imagenet_synsets.cache_clear()


# Without nltk


def test_the_classes_of_imagenet_have_ids_and_names():
    ids = wordnet.imagenet_synset_ids()
    assert len(ids) == len(set(ids)) == 1000
    assert ids[2] == "n01484850"
    names = wordnet.imagenet_names()
    assert list(names) == ids
    assert names["n01484850"] == "great white shark"
    assert names["n07920052"] == "espresso"


def test_the_list_of_ids_is_the_callers():
    wordnet.imagenet_synset_ids().clear()
    assert len(wordnet.imagenet_synset_ids()) == 1000


def test_ids_and_names_need_no_nltk_and_synsets_say_what_they_need():
    program = """
import sys
sys.modules["nltk"] = sys.modules["nltk.corpus"] = None
from lucidx.errors import MissingExtraError
from lucidx.modelzoo import wordnet
assert len(wordnet.imagenet_names()) == len(wordnet.imagenet_synset_ids()) == 1000
try: wordnet.synset_from_id("n01484850")
except MissingExtraError as error: print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install 'lucidx[wordnet]'" in done.stdout, done.stderr
    assert issubclass(MissingExtraError, ImportError)


def test_a_missing_corpus_says_how_to_get_it(tmp_path):
    pytest.importorskip("nltk")
    program = """
import sys, nltk
nltk.data.path[:] = sys.argv[1:]
from lucidx.modelzoo import wordnet
try: wordnet.imagenet_synsets()
except wordnet.CorpusNotFoundError as error: print(isinstance(error, LookupError), error)
"""
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True)
    assert "True" in done.stdout, done.stderr
    assert "python -m nltk.downloader wordnet" in done.stdout


@pytest.mark.parametrize("wrong", ["1484850", "n1484850", "N01484850", "n01484850 ", 1484850, None])
def test_what_is_not_an_id_is_refused(wrong):
    with pytest.raises(InvalidValueError, match="such as 'n01484850'"):
        wordnet.synset_from_id(wrong)


# With nltk


@pytest.mark.usefixtures("corpus")
def test_ids_and_synsets_are_each_others_inverse():
    synset = wordnet.synset_from_id("n01484850")
    assert synset.name() == "great_white_shark.n.01"
    assert wordnet.id_from_synset(synset) == "n01484850"
    able = wordnet.synset_from_id(f"a{len(TITLE):08d}")
    assert wordnet.id_from_synset(able) == f"a{len(TITLE):08d}"


@pytest.mark.usefixtures("corpus")
@pytest.mark.parametrize("absent", ["n01484851", "n99999999", "v00000001"])
def test_an_id_that_wordnet_does_not_have_is_refused(absent, recwarn):
    with pytest.raises(InvalidValueError, match=f"no synset '{absent}'"):
        wordnet.synset_from_id(absent)
    assert not recwarn.list


@pytest.mark.usefixtures("corpus")
def test_the_classes_of_imagenet_are_synsets_in_their_order():
    synsets = wordnet.imagenet_synsets()
    assert list(map(wordnet.id_from_synset, synsets)) == wordnet.imagenet_synset_ids()


@pytest.mark.usefixtures("corpus")
@pytest.mark.parametrize(
    ("term", "id_str"),
    [
        ("white shark", "n01484850"),
        ("Great White", "n01484850"),
        ("tiger", "n02129604"),  # rather than the tiger shark, cat or beetle
        ("panthera tigris", "n02129604"),
        ("tiger shark", "n01491361"),
        ("espresso.n.01", "n07920052"),
    ],
)
def test_a_description_finds_the_class_it_means(term, id_str):
    synset = wordnet.imagenet_synset_from_description(term)
    assert wordnet.id_from_synset(synset) == id_str


@pytest.mark.usefixtures("corpus")
@pytest.mark.parametrize(
    ("term", "message"),
    [
        ("shark", r"several classes: great_white_shark\.n\.01, tiger_shark\.n\.01"),
        ("crane", r"several classes: crane\.n\.0., crane\.n\.0."),
        ("expresso", "Did you mean 'espresso'"),
        ("  ", "at least one letter"),
    ],
)
def test_a_description_of_no_class_or_of_several_is_refused(term, message):
    with pytest.raises(InvalidValueError, match=message):
        wordnet.imagenet_synset_from_description(term)
