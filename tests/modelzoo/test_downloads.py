"""Remote files: fetched once and whole whatever servers, networks and other processes do."""

import base64
import fcntl
import hashlib
import io
import json
import os
import re
import signal
import struct
import subprocess
import sys
import termios
import time
import urllib.parse
import zipfile

import numpy as np
import pytest
from file_server import Answer, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from lucidx.errors import ChangedFileError, CorruptFileError, DownloadError, InvalidValueError
from lucidx.modelzoo import cache, downloads, transfer

CONTENT = np.random.RandomState(0).bytes(300_000)
OTHER = np.random.RandomState(1).bytes(300_000)


def digest(content):
    return hashlib.sha256(content).hexdigest()


def archive(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file.getvalue()


@pytest.fixture(scope="module")
def server():
    with serving() as running:
        yield running


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch, server):
    """An empty cache, a network, and no patience."""
    monkeypatch.setenv("LUCIDX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("LUCIDX_OFFLINE", raising=False)
    monkeypatch.setattr(transfer, "BACKOFF", 0.001)
    server.requests.clear()
    server.files.clear()
    server.answers.clear()
    return tmp_path


@pytest.fixture
def target(place):
    return place / "models" / "net.pb"


def files_of(directory):
    return sorted(path.name for path in directory.iterdir() if path.suffix != ".lock")


def ranges_asked(server):
    return [headers.get("Range") for _, headers in server.requests]


# Addresses


def test_an_address_in_a_google_bucket_is_a_public_one():
    assert (
        downloads.public_address("gs://modelzoo/vision/other_models/InceptionV1.pb")
        == "https://storage.googleapis.com/modelzoo/vision/other_models/InceptionV1.pb"
    )
    assert downloads.public_address("gs://b/a b#1?.pb").endswith("/b/a%20b%231%3F.pb")


@given(st.text(min_size=1).filter(lambda path: path.isprintable()))
@settings(max_examples=50, deadline=None)
def test_any_object_name_survives_quoting(path):
    address = urllib.parse.urlsplit(downloads.public_address(f"gs://bucket/{path}"))
    assert urllib.parse.unquote(address.path) == f"/bucket/{path}"
    assert not address.query and not address.fragment


@pytest.mark.parametrize(
    ("name", "is_remote"),
    [
        ("gs://bucket/a.pb", True),
        ("HTTPS://host/a.pb", True),
        ("s3://bucket/a.pb", True),  # which cannot be fetched
        ("run:1/a.pb", False),
        ("C:\\a.pb", False),
        ("a.pb", False),
        ("//host/a.pb", False),
        ("", False),
        (None, False),
    ],
)
def test_an_address_is_told_from_a_path(name, is_remote):
    assert downloads.is_remote(name) == is_remote


@pytest.mark.parametrize("url", ["https://host/a%20b.pb?x=1", "http://127.0.0.1:80/x"])
def test_web_addresses_stay_as_they_are(url):
    assert downloads.public_address(url) == url


@pytest.mark.parametrize(
    "url", ["/a/b.pb", "file:///etc/passwd", "ftp://host/x", "gs://", "gs://b", "gs://b/",
            "gs://a b/x", "https://", "https:///x", "http://[x", "http://h:99999/x",
            "http://h:x/", "", None, "C:\\x"],
)  # fmt: skip
def test_other_addresses_are_refused(url, target):
    with pytest.raises(InvalidValueError, match="gs://bucket/path"):
        downloads.public_address(url)
    with pytest.raises(InvalidValueError):
        downloads.fetch(url, target)


@given(st.text(max_size=300), st.text(max_size=300))
@settings(max_examples=100, deadline=None)
def test_names_in_the_cache_are_plain_and_unique(one, other):
    first, second = (cache.file_name(f"https://host/{path}") for path in (one, other))
    assert (first == second) == (one == other)
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{16,120}", first)


def test_names_in_the_cache_keep_what_a_reader_wants():
    assert re.fullmatch(
        r"my-labels-[0-9a-f]{16}\.txt", cache.file_name("http://h/a/my%20labels.txt")
    )
    assert cache.file_name("http://h/x.tar.gz?key=../../y").endswith(".gz")


# A good server


def test_a_file_is_fetched_once_and_kept_where_asked(server, target):
    url = server.put("/net.pb", CONTENT)
    assert downloads.fetch(url, target, sha256=digest(CONTENT).upper()) == target
    assert target.read_bytes() == CONTENT
    downloads.fetch(url, target)
    assert len(server.requests) == 1
    assert server.requests[0][1]["Accept-Encoding"] == "identity"
    assert files_of(target.parent) == ["net.pb"]


def test_cached_files_are_kept_in_the_cache(server, place):
    url = server.put("/labels.txt", b"cat\ndog\n")
    file = downloads.cached(url)
    assert file.parent == place / "cache" / "files"
    assert file.suffix == ".txt"
    assert file.read_bytes() == b"cat\ndog\n"
    assert downloads.cached(url) == file
    assert len(server.requests) == 1


def test_an_empty_file_is_a_file(server, target):
    assert downloads.fetch(server.put("/empty", b""), target).read_bytes() == b""


def test_redirects_are_followed_and_endless_ones_are_not(server, target):
    final = server.put("/final", CONTENT)
    url = server.put("/moved", b"", Answer(302, {"Location": final}))
    assert downloads.fetch(url, target).read_bytes() == CONTENT
    loop = server.put("/loop", b"", *[Answer(302, {"Location": server.url("/loop")})] * 40)
    with pytest.raises(DownloadError, match="redirects"):
        downloads.fetch(loop, target.with_name("other"))


def test_a_chunked_answer_is_read(server, target):
    chunked = b"5\r\nhello\r\n0\r\n\r\n"
    headers = {"Transfer-Encoding": "chunked", "Content-Length": None}
    url = server.put("/c", b"", Answer(headers=headers, body=chunked))
    assert downloads.fetch(url, target).read_bytes() == b"hello"


# Broken connections


@given(st.lists(st.integers(0, 120_000), max_size=4), st.sampled_from(["honoured", "ignored"]))
@settings(max_examples=12, deadline=None)
def test_however_the_connection_is_cut_the_file_is_exact(tmp_path_factory, server, cuts, ranges):
    url = server.put("/net.pb", CONTENT, *[Answer(cut=cut, ranges=ranges) for cut in cuts])
    target = tmp_path_factory.mktemp("cuts") / "net.pb"
    assert downloads.fetch(url, target, sha256=digest(CONTENT)).read_bytes() == CONTENT
    assert len(server.requests) <= len(cuts) + 1
    server.requests.clear()


def test_only_the_rest_of_the_same_version_is_asked_for(server, target):
    url = server.put("/net.pb", CONTENT, Answer(cut=100_000), Answer(cut=50_000))
    downloads.fetch(url, target)
    assert ranges_asked(server) == [None, "bytes=100000-", "bytes=150000-"]
    assert server.requests[1][1]["If-Range"] == f'"{hashlib.md5(CONTENT).hexdigest()}"'
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("headers", "resumed"),
    [
        ({"ETag": None, "Last-Modified": "Tue, 01 Nov 2022 10:00:00 GMT"}, True),
        ({"ETag": 'W/"1"', "Last-Modified": "Tue, 01 Nov 2022 10:00:00 GMT"}, True),
        ({"ETag": 'W/"1"'}, False),  # says nothing of the bytes
        ({"ETag": None}, False),
    ],
)
def test_a_rest_is_asked_for_only_if_versions_can_be_told_apart(server, target, headers, resumed):
    broken = Answer(headers=headers, cut=100_000)
    url = server.put("/net.pb", CONTENT, broken, Answer(headers=headers, ranges="blind"))
    assert downloads.fetch(url, target).read_bytes() == CONTENT
    assert ranges_asked(server)[1] == ("bytes=100000-" if resumed else None)


def test_a_file_that_changes_meanwhile_is_fetched_from_its_start(server, target):
    url = server.put("/net.pb", OTHER, Answer(cut=100_000, body=CONTENT))
    assert downloads.fetch(url, target).read_bytes() == OTHER


@pytest.mark.parametrize(
    "answer",
    [
        Answer(ranges="blind"),  # another version, and its ETag says so
        Answer(ranges="blind", headers={"Content-Range": "bytes 5-299999/300000"}),
        Answer(ranges="blind", headers={"Content-Range": "bytes 100000-299999/400000"}),
        Answer(ranges="blind", headers={"Content-Range": None}),
        Answer(ranges="blind", headers={"Content-Range": "bytes x"}),
        Answer(ranges="blind", headers={"Content-Length": "17"}),
        Answer(ranges="blind", body=OTHER[:50_000]),  # 416: shorter than what is here
    ],
)
def test_a_rest_that_does_not_fit_is_not_used(server, target, answer):
    url = server.put("/net.pb", OTHER, Answer(cut=100_000, body=CONTENT), answer)
    assert downloads.fetch(url, target).read_bytes() == OTHER
    assert ranges_asked(server) == [None, "bytes=100000-", None]


def test_a_rest_of_other_bytes_is_found_out_by_the_digest(server, target):
    lie = {"ETag": None, "Last-Modified": "Tue, 01 Nov 2022 10:00:00 GMT"}
    answers = [Answer(headers=lie, cut=100_000, body=OTHER), Answer(headers=lie, ranges="blind")]
    url = server.put("/net.pb", CONTENT, *answers)
    assert downloads.fetch(url, target, sha256=digest(CONTENT)).read_bytes() == CONTENT
    assert ranges_asked(server) == [None, "bytes=100000-", None]


def test_an_interrupted_fetch_goes_on_another_day(server, target):
    url = server.put("/net.pb", CONTENT, Answer(cut=100_000), *[Answer(500)] * 5)
    with pytest.raises(DownloadError, match="answered 500"):
        downloads.fetch(url, target)
    assert not target.exists()
    downloads.fetch(url, target)
    assert ranges_asked(server)[-1] == "bytes=100000-"
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("note", ["", "[1", "[]", '{"address": 3}', "{}", None])
def test_a_part_of_unknown_origin_is_not_used(server, target, note):
    target.parent.mkdir()
    target.with_name("net.pb.part").write_bytes(OTHER[:1000])
    if note is not None:
        target.with_name("net.pb.part.json").write_text(note)
    url = server.put("/net.pb", CONTENT)
    assert downloads.fetch(url, target).read_bytes() == CONTENT
    assert ranges_asked(server) == [None]


def test_a_part_of_another_address_is_not_used(server, target):
    broken = server.put("/a", OTHER, Answer(cut=1000), *[Answer(404)] * 5)
    with pytest.raises(DownloadError):
        downloads.fetch(broken, target)
    assert downloads.fetch(server.put("/b", CONTENT), target).read_bytes() == CONTENT


def test_a_body_shorter_than_announced_is_an_error(server, target):
    url = server.put("/net.pb", CONTENT, *[Answer(headers={"Content-Length": "300001"})] * 9)
    with pytest.raises(DownloadError, match=r"5 times in a row"):
        downloads.fetch(url, target)
    assert not target.exists()


def test_a_body_longer_than_announced_is_found_out_by_the_digest(server, target):
    url = server.put("/net.pb", CONTENT, Answer(headers={"Content-Length": "299999"}))
    with pytest.raises(ChangedFileError):
        downloads.fetch(url, target, sha256=digest(CONTENT))
    assert downloads.fetch(url, target, sha256=digest(CONTENT)).read_bytes() == CONTENT


# Servers with trouble


def test_passing_trouble_is_waited_out(server, target):
    trouble = [Answer(500), Answer(503), Answer(429), Answer(status=200, cut=0)]
    url = server.put("/net.pb", CONTENT, *trouble)
    assert downloads.fetch(url, target).read_bytes() == CONTENT
    assert len(server.requests) == 5


def test_a_server_says_how_long_to_wait(server, target):
    url = server.put("/net.pb", CONTENT, Answer(429, {"Retry-After": "1"}))
    begun = time.monotonic()
    downloads.fetch(url, target)
    assert time.monotonic() - begun >= 1


def test_nobody_waits_for_an_hour(server, target, monkeypatch):
    monkeypatch.setattr(transfer, "LONGEST_WAIT", 0.1)
    url = server.put("/net.pb", CONTENT, Answer(503, {"Retry-After": "3600"}))
    assert downloads.fetch(url, target).read_bytes() == CONTENT


@pytest.mark.parametrize("status", [401, 403, 404, 410, 204])
def test_a_refusal_is_final_and_says_what_to_do(server, target, status):
    url = server.put("/net.pb", CONTENT, Answer(status))
    with pytest.raises(DownloadError) as caught:
        downloads.fetch(url, target, sha256="ab" * 32)
    assert len(server.requests) == 1
    message = str(caught.value)
    for part in (str(status), f"download {url}", "ab" * 32, f"put it at {target}"):
        assert part in message
    assert isinstance(caught.value, ConnectionError)


def test_a_slow_drip_is_given_up(server, target, monkeypatch):
    monkeypatch.setattr(transfer, "PATIENCE", 0.1)
    monkeypatch.setattr(transfer, "ATTEMPTS", 3)
    url = server.put("/net.pb", CONTENT, *[Answer(drip=0.01)] * 3)
    with pytest.raises(DownloadError, match="less than 1024 bytes per second"):
        downloads.fetch(url, target)
    assert len(server.requests) == 3
    assert downloads.fetch(url, target).read_bytes() == CONTENT  # the drops were kept
    assert ranges_asked(server)[-1] not in (None, "bytes=0-")


def test_a_silent_server_is_given_up(server, target, monkeypatch):
    monkeypatch.setattr(transfer, "READ_TIMEOUT", 0.1)
    url = server.put("/net.pb", CONTENT, Answer(hold=100_000))
    assert downloads.fetch(url, target).read_bytes() == CONTENT
    assert ranges_asked(server) == [None, "bytes=100000-"]


def test_attempts_count_only_without_progress(server, target, monkeypatch):
    monkeypatch.setattr(transfer, "ATTEMPTS", 2)
    monkeypatch.setattr(transfer, "PROGRESS", 30_000)
    url = server.put("/net.pb", CONTENT, *[Answer(cut=30_000)] * 9)
    assert downloads.fetch(url, target).read_bytes() == CONTENT
    assert len(server.requests) == 10
    target.unlink()
    url = server.put("/net.pb", CONTENT, *[Answer(cut=30_000, ranges="ignored")] * 9)
    with pytest.raises(DownloadError, match="2 times in a row"):
        downloads.fetch(url, target)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Content-Encoding": "gzip"}, "compresses it"),
        ({"Content-Type": "text/html; charset=utf-8"}, "web page"),
        ({"Content-Length": None}, "how long"),
        ({"Content-Length": str(10**17)}, "room for"),
    ],
)
def test_answers_that_cannot_be_the_file_are_refused(server, target, headers, message):
    url = server.put("/net.pb", CONTENT, Answer(headers=headers))
    with pytest.raises(DownloadError, match=message):
        downloads.fetch(url, target)
    assert not any(target.parent.glob("*.part"))
    assert not target.exists()


def test_without_a_network_it_fails_at_once(target):
    begun = time.monotonic()
    with pytest.raises(DownloadError, match="is there a network") as caught:
        downloads.fetch("http://127.0.0.1:9/net.pb", target, member="a", member_sha256="cd" * 32)
    assert time.monotonic() - begun < 3
    assert f"take a out of it (sha256 {'cd' * 32}) and put it at {target}" in str(caught.value)


def test_the_network_can_be_forbidden(server, target, monkeypatch):
    monkeypatch.setenv("LUCIDX_OFFLINE", "1")
    url = server.put("/net.pb", CONTENT)
    with pytest.raises(DownloadError, match=f"LUCIDX_OFFLINE .*download {url} and put it at"):
        downloads.fetch(url, target)
    assert not server.requests
    target.parent.mkdir()  # nothing was made in vain
    target.write_bytes(CONTENT)
    assert downloads.fetch(url, target) == target


def test_what_googles_storage_says_of_a_file_is_checked(server, target):
    stated = base64.b64encode(hashlib.md5(CONTENT).digest()).decode()
    headers = {"x-goog-hash": f"crc32c=AAAAAA==,md5={stated}"}
    url = server.put(
        "/net.pb", OTHER, Answer(headers=headers), Answer(headers=headers, body=CONTENT)
    )
    assert downloads.fetch(url, target).read_bytes() == CONTENT
    assert ranges_asked(server) == [None, None]
    target.unlink()
    compressed = {
        **headers,
        "x-goog-stored-content-encoding": "gzip",
    }  # so the sum is not the file's
    url = server.put("/other.pb", OTHER, Answer(headers=compressed))
    assert downloads.fetch(url, target).read_bytes() == OTHER


def test_a_place_that_cannot_be_written_to_is_named(server, place):
    (place / "file").write_bytes(b"")
    with pytest.raises(DownloadError, match="LUCIDX_CACHE"):
        downloads.fetch(server.put("/net.pb", CONTENT), place / "file" / "net.pb")


# The right bytes


def test_wrong_bytes_are_refused_with_both_digests(server, target):
    url = server.put("/net.pb", OTHER)
    with pytest.raises(ChangedFileError) as caught:
        downloads.fetch(url, target, sha256=digest(CONTENT))
    for part in (url, digest(CONTENT), digest(OTHER)):
        assert part in str(caught.value)
    assert files_of(target.parent) == []
    assert len(server.requests) == 1


def test_the_first_download_is_pinned_and_a_changed_one_refused(server, target):
    url = server.put("/net.pb", CONTENT)
    downloads.fetch(url, target)
    target.unlink()
    server.put("/net.pb", OTHER)
    with pytest.raises(ChangedFileError) as caught:
        downloads.fetch(url, target)
    for part in (url, digest(CONTENT), digest(OTHER), str(cache.pin_file(url))):
        assert part in str(caught.value)
    assert files_of(target.parent) == []
    cache.pin_file(url).unlink()  # as the message says
    assert downloads.fetch(url, target).read_bytes() == OTHER


def test_pins_hold_for_any_place_of_the_file(server, target):
    url = server.put("/labels.txt", CONTENT)
    downloads.cached(url)
    server.put("/labels.txt", OTHER)
    with pytest.raises(ChangedFileError):
        downloads.fetch(url, target)


def test_a_damaged_pin_is_reported(server, target):
    url = server.put("/net.pb", CONTENT)
    downloads.fetch(url, target)
    sound = json.loads(cache.pin_file(url).read_text())
    others = [{"sha256": 3}, {"sha256": "x"}, {"address": None}, {"address": "https://host/other"}]
    for damage in ("", "{}", "[]", *(json.dumps({**sound, **other}) for other in others)):
        cache.pin_file(url).write_text(damage)
        with pytest.raises(CorruptFileError, match="Delete it") as caught:
            downloads.fetch(url, target)
        assert str(cache.pin_file(url)) in str(caught.value)


def test_a_pin_is_on_the_disk_before_it_is_seen_and_leaves_nothing_when_it_cannot_be(monkeypatch):
    address = "https://host/net.pb"
    file, synced = cache.pin_file(address), []

    def fsync(descriptor):
        real(descriptor)
        synced.append((os.fstat(descriptor).st_size, file.exists()))

    real = os.fsync
    monkeypatch.setattr(os, "fsync", fsync)
    cache.pin(address, digest(CONTENT))
    assert synced == [(file.stat().st_size, False)]
    file.unlink()
    file.mkdir()
    with pytest.raises(OSError):
        cache.pin(address, digest(CONTENT))
    assert list(file.parent.iterdir()) == [file]


def test_what_the_cache_keeps_by_address_is_known(server, place, target):
    one, other = (server.put(f"/{name}", CONTENT) for name in ("one.txt", "other.txt"))
    assert downloads.kept() == []
    downloads.cached(one)
    downloads.fetch(other, target)  # kept elsewhere
    (cache.pin_file(one).parent / ".draft.json").write_text("{")  # another process is writing
    assert downloads.kept() == [one]


def test_a_file_that_is_here_is_checked_every_time(server, target):
    url = server.put("/net.pb", CONTENT)
    downloads.fetch(url, target)
    target.write_bytes(CONTENT[:-1] + b"?")
    with pytest.raises(ChangedFileError, match="Delete it to have it fetched anew") as caught:
        downloads.fetch(url, target)
    assert str(target) in str(caught.value)
    target.unlink()
    assert downloads.fetch(url, target).read_bytes() == CONTENT


def test_a_file_placed_by_hand_is_pinned(server, target):
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    url = server.put("/net.pb", OTHER)
    downloads.fetch(url, target)
    assert not server.requests
    assert json.loads(cache.pin_file(url).read_text())["sha256"] == digest(CONTENT)
    with pytest.raises(ChangedFileError):
        downloads.fetch(url, target, sha256=digest(OTHER))


# Archives


def test_one_member_is_taken_out_of_an_archive(server, target):
    packed = archive(**{"dir/net.pb": CONTENT, "../../evil": OTHER, "/evil": OTHER})
    url = server.put("/net.zip", packed)
    downloads.fetch(url, target, sha256=digest(packed), member="dir/net.pb")
    assert target.read_bytes() == CONTENT
    assert files_of(target.parent) == ["net.pb"]
    assert files_of(target.parent.parent) == ["cache", "models"]


def test_members_are_never_paths(server, target):
    url = server.put("/net.zip", archive(**{"../../evil": OTHER}))
    downloads.fetch(url, target, member="../../evil")
    assert target.read_bytes() == OTHER
    assert not (target.parent.parent.parent / "evil").exists()


def test_a_member_is_checked_or_pinned(server, target):
    url = server.put("/net.zip", archive(net=OTHER))
    with pytest.raises(ChangedFileError, match=digest(OTHER)):
        downloads.fetch(url, target, member="net", member_sha256=digest(CONTENT))
    assert files_of(target.parent) == []
    downloads.fetch(url, target, member="net")
    target.unlink()
    server.put("/net.zip", archive(other=b"", net=OTHER))  # the archive may change
    downloads.fetch(url, target, member="net")
    target.unlink()
    server.put("/net.zip", archive(net=CONTENT))
    with pytest.raises(ChangedFileError, match="first fetched"):
        downloads.fetch(url, target, member="net")


def test_a_missing_member_is_named_with_close_ones(server, target):
    url = server.put("/net.zip", archive(**{"graph.pb": CONTENT}))
    with pytest.raises(CorruptFileError, match=r"Did you mean 'graph\.pb'"):
        downloads.fetch(url, target, member="graf.pb")


def test_bombs_are_not_unpacked(server, target, monkeypatch):
    monkeypatch.setattr(downloads, "LARGEST_MEMBER", 10**6)
    url = server.put("/bomb.zip", archive(net=bytes(10**6 + 1)))
    with pytest.raises(CorruptFileError, match="at most 1,000,000"):
        downloads.fetch(url, target, member="net")
    assert files_of(target.parent) == []


def test_damaged_archives_are_refused(server, target):
    packed = bytearray(archive(net=b"a" * 10_000))
    bad = {
        "not one": CONTENT,
        "cut": bytes(packed[:-30]),
        "wrong sum": bytes(packed).replace(packed[14:18], b"\0\0\0\0"),
        "smaller than stated": bytes(packed).replace(
            (10_000).to_bytes(4, "little"), (20_000).to_bytes(4, "little")
        ),
        "larger than stated": bytes(packed).replace(
            (10_000).to_bytes(4, "little"), (5_000).to_bytes(4, "little")
        ),
        "unknown method": bytes(packed).replace(b"\x08\x00", b"\x63\x00"),
        "encrypted": bytes(packed).replace(b"\x00\x00\x08\x00", b"\x01\x00\x08\x00"),
    }
    for kind, content in bad.items():
        url = server.put("/net.zip", content)
        with pytest.raises(CorruptFileError):
            downloads.fetch(url, target, member="net")
            pytest.fail(kind)
        assert files_of(target.parent) == [], kind


@given(st.binary(max_size=60), st.integers(0, 130))
@settings(max_examples=60, deadline=None)
def test_hostile_archives_end_in_an_error_of_ours(tmp_path_factory, server, noise, where):
    packed = archive(net=b"abc" * 20)
    url = server.put("/net.zip", packed[:where] + noise + packed[where + len(noise) :])
    target = tmp_path_factory.mktemp("zip") / "net"
    try:
        downloads.fetch(url, target, member="net", member_sha256=digest(b"abc" * 20))
    except CorruptFileError:
        assert files_of(target.parent) == []
    else:
        assert target.read_bytes() == b"abc" * 20


# Several processes

FETCH = """
import sys
from pathlib import Path
from lucidx.modelzoo import downloads
downloads.fetch(sys.argv[1], Path(sys.argv[2]))
assert "tensorflow" not in sys.modules
"""


def fetching(url, target, **options):
    return subprocess.Popen([sys.executable, "-c", FETCH, url, str(target)], **options)


def test_eight_processes_fetch_once(server, target):
    url = server.put("/net.pb", CONTENT, Answer(hold=1000))
    processes = [fetching(url, target) for _ in range(8)]
    while not server.requests:
        time.sleep(0.01)
    time.sleep(1)
    assert not target.exists()
    server.released.set()
    assert [process.wait(60) for process in processes] == [0] * 8
    server.released.clear()
    assert target.read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_killed_process_leaves_nothing_that_is_used_and_the_next_goes_on(server, target):
    url = server.put("/net.pb", CONTENT, Answer(hold=200_000))
    process = fetching(url, target)
    part = target.with_name("net.pb.part")
    while not part.exists() or part.stat().st_size < 200_000:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not target.exists()
    assert fetching(url, target).wait(60) == 0
    assert target.read_bytes() == CONTENT
    assert ranges_asked(server) == [None, "bytes=200000-"]
    assert files_of(target.parent) == ["net.pb"]


def test_progress_is_shown_at_a_terminal_only(server, target):
    url = server.put("/net.pb", CONTENT)
    done = subprocess.run(
        [sys.executable, "-c", FETCH, url, str(target)], capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("", "")
    target.unlink()
    controller, terminal = os.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    fetching(url, target, stderr=terminal).wait(60)
    shown = os.read(controller, 10_000).decode()
    os.close(controller)
    os.close(terminal)
    assert "net.pb" in shown
    assert "293k" in shown
