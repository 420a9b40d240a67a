"""Secret files, sealed files, key files, and how files are written."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from Crypto.Cipher import AES
from hypothesis import given, settings
from hypothesis import strategies as st

from zkcollateral.crypto import files, sealed
from zkcollateral.crypto.canonical import canonical_bytes
from zkcollateral.crypto.keyfile import (
    ROLES,
    NamedPublicKey,
    NamedSigningKey,
    read_public_key,
    read_signing_key,
    write_key_pair,
)
from zkcollateral.crypto.sealed import read_secret_file, seal, unseal, write_secret_file
from zkcollateral.crypto.signature import SigningKey
from zkcollateral.errors import DocumentError, FileError, InputError

SECRET = {"amount": "31337"}
CHEAP = sealed.MIN_LOG2_N
SEALED = seal(SECRET, "correct horse", log2_n=CHEAP)
NAMED = NamedSigningKey("oracle", "oracle-a", SigningKey(bytes(range(32))))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# Files


def test_a_secret_file_is_for_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    write_secret_file(path, SECRET)
    assert mode(path) == 0o600
    assert read_secret_file(path) == SECRET
    assert listing(tmp_path) == ["s.json"]


def test_a_secret_file_is_never_open_to_others_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    sync = os.fsync

    def look(descriptor: int) -> None:
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            seen.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    old = os.umask(0)
    try:
        write_secret_file(tmp_path / "s.json", SECRET)
    finally:
        os.umask(old)
    assert set(seen) == {0o600}


@pytest.mark.parametrize("bits", [0o640, 0o604, 0o620, 0o610, 0o602, 0o601, 0o644])
def test_a_secret_file_that_others_can_open_is_not_read(tmp_path: Path, bits: int) -> None:
    path = tmp_path / "my secret.json"
    write_secret_file(path, SECRET)
    path.chmod(bits)
    with pytest.raises(FileError, match=r"run: chmod 600 '.*my secret.json'\), got mode 06"):
        read_secret_file(path)
    assert files.read_json(path) == SECRET
    path.chmod(0o400)
    assert read_secret_file(path) == SECRET


def test_a_secret_file_is_not_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    write_secret_file(path, SECRET)
    with pytest.raises(FileError, match=r"never overwritten unasked.*got an existing file"):
        write_secret_file(path, {"other": "x"})
    assert read_secret_file(path) == SECRET
    path.chmod(0o644)
    write_secret_file(path, {"other": "x"}, overwrite=True)
    assert read_secret_file(path) == {"other": "x"}
    assert mode(path) == 0o600
    assert listing(tmp_path) == ["s.json"]


def test_an_existing_link_is_not_followed(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(FileError, match="an existing file"):
        write_secret_file(link, SECRET)
    write_secret_file(link, SECRET, overwrite=True)
    assert not target.exists()
    assert not link.is_symlink()


def test_public_files_are_for_everybody_and_for_reading(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    old = os.umask(0o022)
    try:
        files.write_public(path, {"b": "é", "a": ["1"]})
    finally:
        os.umask(old)
    assert mode(path) == 0o644
    assert path.read_bytes() == '{\n  "a": [\n    "1"\n  ],\n  "b": "é"\n}\n'.encode()
    files.write_public(path, {"c": "2"})
    assert files.read_json(path) == {"c": "2"}
    with pytest.raises(FileError, match="an existing file"):
        files.write_public(path, {"c": "3"}, overwrite=False)


@pytest.mark.parametrize("call", ["replace", "fsync"])
@pytest.mark.parametrize("existing", [True, False])
def test_a_failure_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, existing: bool
) -> None:
    path = tmp_path / "s.json"
    if existing:
        write_secret_file(path, SECRET)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(FileError, match="a file that can be written, got No space left") as caught:
        write_secret_file(path, {"new": "x"}, overwrite=existing)
    assert str(path) in str(caught.value)
    monkeypatch.undo()
    assert listing(tmp_path) == (["s.json"] if existing else [])
    if existing:
        assert read_secret_file(path) == SECRET


def test_a_value_that_is_no_document_is_not_written(tmp_path: Path) -> None:
    value: Any = {"a": 1}
    with pytest.raises(DocumentError):
        files.write_public(tmp_path / "p.json", value)
    assert listing(tmp_path) == []


def test_what_is_no_readable_file_is_an_ordinary_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, message in [
        ("missing", "No such file"),
        ("", "a regular file|Is a directory"),
        ("pipe", "a regular file"),
        ("a\x00b", "a path the system does not take"),
        ("n" * 300, "File name too long"),
        ("missing/x", "No such file"),
    ]:
        where = os.path.join(tmp_path, name)
        with pytest.raises(FileError, match=message):
            files.read_json(where)
        with pytest.raises(FileError):
            read_secret_file(where)


def test_what_is_no_writable_path_is_an_ordinary_error(tmp_path: Path) -> None:
    for name in ["", "a\x00b", "n" * 300, "missing/x", "..", "."]:
        for overwrite in (True, False):
            with pytest.raises(FileError):
                files.write_public(os.path.join(tmp_path, name), SECRET, overwrite=overwrite)
    assert listing(tmp_path) == []
    assert [name for name in listing(tmp_path.parent) if name.endswith(".tmp")] == []


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"x" * 11)
    assert files.read_bytes(path, max_bytes=11) == b"x" * 11
    with pytest.raises(FileError, match="at most 10 bytes, got a larger file"):
        files.read_bytes(path, max_bytes=10)


# Sealed documents


def test_what_is_sealed_is_opened_by_its_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    write_secret_file(path, SECRET, passphrase="correct horse", log2_n=CHEAP)
    assert "31337" not in path.read_text()
    assert mode(path) == 0o600
    assert read_secret_file(path, "correct horse") == SECRET
    assert read_secret_file(path, lambda: "correct horse") == SECRET


def test_the_default_cost() -> None:
    value = seal(SECRET, "x")
    assert value["n"] == "131072"
    assert unseal(value, "x", "file") == SECRET


def test_another_implementation_opens_it() -> None:
    """RFC 7914 scrypt of the standard library and AES-GCM of pycryptodome."""
    document: dict[str, Any] = dict(SEALED)
    data = bytes.fromhex(document.pop("ciphertext"))
    key = hashlib.scrypt(
        b"correct horse", salt=bytes.fromhex(document["salt"]), n=2**CHEAP, r=8, p=1, dklen=32
    )
    cipher = AES.new(key, AES.MODE_GCM, nonce=bytes.fromhex(document["nonce"]))
    cipher.update(canonical_bytes(document))
    assert cipher.decrypt_and_verify(data[:-16], data[-16:]) == canonical_bytes(SECRET)


def test_salt_and_nonce_are_new_every_time() -> None:
    again = seal(SECRET, "correct horse", log2_n=CHEAP)
    for field in ("salt", "nonce", "ciphertext"):
        assert again[field] != SEALED[field]


def test_a_wrong_passphrase_and_a_damaged_file_are_one_error(tmp_path: Path) -> None:
    messages = set()
    ciphertext = SEALED["ciphertext"]
    assert isinstance(ciphertext, str)
    for value, passphrase in [
        (SEALED, "wrong horse"),
        (SEALED, "correct horse "),
        ({**SEALED, "ciphertext": ""}, "correct horse"),
        ({**SEALED, "ciphertext": "00"}, "correct horse"),
        ({**SEALED, "ciphertext": ciphertext[:-2]}, "correct horse"),
        ({**SEALED, "ciphertext": ciphertext + "00"}, "correct horse"),
        (
            {**SEALED, "ciphertext": f"{int(ciphertext[0], 16) ^ 1:x}" + ciphertext[1:]},
            "correct horse",
        ),
        ({**SEALED, "salt": "00" * 16}, "correct horse"),
        ({**SEALED, "nonce": "00" * 12}, "correct horse"),
        ({**SEALED, "n": str(2 ** (CHEAP + 1))}, "correct horse"),
    ]:
        with pytest.raises(FileError) as caught:
            unseal(value, passphrase, "file")
        assert caught.value.__cause__ is None
        messages.add(str(caught.value))
    assert messages == {
        "file: expected the passphrase of this file, got another passphrase, or a damaged file"
    }


def test_the_header_is_authenticated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every header field also changes the key or is fixed; this takes both away."""
    monkeypatch.setattr(sealed, "_derive", lambda *_: bytes(32))
    value = seal(SECRET, "x", log2_n=CHEAP)
    assert unseal(value, "x", "file") == SECRET
    for change in ({"salt": "00" * 16}, {"n": str(2**20)}):
        with pytest.raises(FileError, match="damaged file"):
            unseal({**value, **change}, "x", "file")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "zkcollateral/sealed/2"}, "format: expected 'zkcollateral/sealed/1'"),
        ({"kdf": "pbkdf2"}, "kdf: expected 'scrypt'"),
        ({"n": str(2**21)}, "n: expected '16384' or .* '1048576', got another string"),
        ({"n": str(2**13)}, "n: expected"),
        ({"n": str(2**14 + 1)}, "n: expected"),
        ({"n": "016384"}, "n: expected"),
        ({"n": None}, "n: expected a string"),
        ({"r": "16"}, "r: expected '8'"),
        ({"p": "2"}, "p: expected '1'"),
        ({"cipher": "aes-128-gcm"}, "cipher: expected 'aes-256-gcm'"),
        ({"salt": "00" * 15}, "salt: expected 16 bytes in hex, got 15 bytes"),
        ({"nonce": "00" * 13}, "nonce: expected 12 bytes in hex, got 13 bytes"),
        ({"nonce": "0G" * 12}, "nonce: expected lowercase hex"),
        ({"ciphertext": "ABCD"}, "ciphertext: expected lowercase hex"),
        ({"ciphertext": "abc"}, "ciphertext: expected lowercase hex"),
        ({"ciphertext": []}, "ciphertext: expected a string"),
        ({"hint": "horse"}, "file: expected the fields"),
    ],
)
def test_each_rule_of_a_sealed_document(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        unseal({**SEALED, **change}, "correct horse", "file")


@pytest.mark.parametrize("field", list(SEALED))
def test_a_sealed_document_needs_every_field(field: str) -> None:
    value = {name: item for name, item in SEALED.items() if name != field}
    with pytest.raises(DocumentError, match=f"{field}: expected this field, got nothing"):
        unseal(value, "correct horse", "file")


def test_a_sealed_file_asks_for_a_passphrase_and_an_open_one_does_not(tmp_path: Path) -> None:
    def never() -> str:
        raise AssertionError("asked")

    files.write_secret(tmp_path / "sealed", SEALED)
    files.write_secret(tmp_path / "open", SECRET)
    with pytest.raises(
        FileError, match="expected a passphrase, since the file is sealed, got none"
    ):
        read_secret_file(tmp_path / "sealed")
    assert read_secret_file(tmp_path / "open", never) == SECRET
    with pytest.raises(FileError, match="at least one character, got an empty one"):
        read_secret_file(tmp_path / "sealed", "")
    with pytest.raises(FileError, match="at least one character, got an empty one"):
        write_secret_file(tmp_path / "new", SECRET, passphrase="")
    assert listing(tmp_path) == ["open", "sealed"]


def test_spellings_of_one_passphrase_are_one() -> None:
    value = seal(SECRET, "Ångström ﬁ", log2_n=CHEAP)
    assert unseal(value, "A\u030angstro\u0308m fi", "file") == SECRET
    assert unseal(seal(SECRET, "\udcff", log2_n=CHEAP), "\udcff", "file") == SECRET


@pytest.mark.parametrize("log2_n", [0, 13, 21, 64])
def test_the_cost_of_sealing_has_bounds(log2_n: int) -> None:
    with pytest.raises(ValueError, match="log2_n from 14 to 20"):
        seal(SECRET, "x", log2_n=log2_n)


def test_too_little_memory_is_an_ordinary_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def __init__(self, **_: object) -> None:
            raise MemoryError

    monkeypatch.setattr(sealed, "Scrypt", Full)
    with pytest.raises(FileError, match="expected 16 MiB of memory for scrypt, got less"):
        unseal(SEALED, "correct horse", "file")


# Key files


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_a_key_pair_is_read_as_it_was_written(
    tmp_path: Path, role: Any, passphrase: str | None
) -> None:
    named = NamedSigningKey(role, "the-name", SigningKey.generate())
    secret, public = write_key_pair(tmp_path / "k", named, passphrase=passphrase)
    assert (secret, public) == (tmp_path / "k.key", tmp_path / "k.pub")
    assert (mode(secret), mode(public) & 0o600) == (0o600, 0o600)
    again = read_signing_key(secret, passphrase)
    assert again.key.secret_bytes() == named.key.secret_bytes()
    assert (again.role, again.name) == (role, "the-name")
    assert read_public_key(public) == again.public == named.public
    assert named.key.secret_bytes().hex() not in public.read_text()
    assert (named.key.secret_bytes().hex() in secret.read_text()) == (passphrase is None)


@pytest.mark.parametrize("there", ["k.key", "k.pub"])
def test_halves_of_two_keys_never_stand_beside_each_other(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("old")
    with pytest.raises(FileError, match="existing file"):
        write_key_pair(tmp_path / "k", NAMED)
    assert listing(tmp_path) == [there]
    assert (tmp_path / there).read_text() == "old"
    write_key_pair(tmp_path / "k", NAMED, overwrite=True)
    assert read_signing_key(tmp_path / "k.key").public == read_public_key(tmp_path / "k.pub")


def test_a_name_that_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="key: name: expected a name"):
        write_key_pair(tmp_path / "k", NamedSigningKey("log", "a b", NAMED.key))
    assert listing(tmp_path) == []


def test_a_named_key_does_not_print_its_secret() -> None:
    assert NAMED.key.secret_bytes().hex() not in repr(NAMED)
    assert "00010203" not in json.dumps(NAMED.public.to_json_value())


OTHER_ID = SigningKey(bytes(32)).key_id


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "zkcollateral/secret-key/2"}, "format: expected 'zkcollateral/"),
        ({"role": "auditor"}, "role: expected 'custodian' or 'oracle' or 'log'"),
        ({"name": ""}, "name: expected a name"),
        ({"name": "a\n"}, "name: expected a name"),
        ({"key_id": OTHER_ID}, "key_id: expected the SHA-256 of the public key"),
        ({"key_id": None}, "key_id: expected the SHA-256 of the public key"),
        ({"extra": ""}, "expected the fields"),
    ],
)
def test_each_rule_of_key_files(change: dict[str, Any], message: str) -> None:
    with pytest.raises(DocumentError, match=message):
        NamedSigningKey.from_json_value({**NAMED.to_secret_json_value(), **change}, "file")
    with pytest.raises(DocumentError, match=message):
        NamedPublicKey.from_json_value({**NAMED.public.to_json_value(), **change}, "file")


@pytest.mark.parametrize("bad", ["00" * 31, "00" * 33, "0G" * 32, "AB" * 32, "", None])
def test_keys_in_key_files_are_32_bytes_of_hex(bad: Any) -> None:
    with pytest.raises(DocumentError, match="secret: expected"):
        NamedSigningKey.from_json_value({**NAMED.to_secret_json_value(), "secret": bad}, "file")
    with pytest.raises(DocumentError, match="public_key: expected"):
        NamedPublicKey.from_json_value({**NAMED.public.to_json_value(), "public_key": bad}, "file")


def test_a_key_of_small_order_is_no_key_in_a_file_either() -> None:
    value = {**NAMED.public.to_json_value(), "public_key": "01" + "00" * 31}
    with pytest.raises(DocumentError, match="public_key: expected a point of large order"):
        NamedPublicKey.from_json_value(value, "file")


def test_one_kind_of_key_file_is_not_the_other() -> None:
    with pytest.raises(DocumentError):
        NamedPublicKey.from_json_value(NAMED.to_secret_json_value(), "file")
    with pytest.raises(DocumentError):
        NamedSigningKey.from_json_value(NAMED.public.to_json_value(), "file")


def test_an_error_about_a_secret_key_does_not_quote_it() -> None:
    value = NAMED.to_secret_json_value()
    secret = value["secret"]
    assert isinstance(secret, str)
    for change in ({"secret": secret.upper()}, {"secret": secret + "00"}, {"key_id": secret}):
        with pytest.raises(DocumentError) as caught:
            NamedSigningKey.from_json_value({**value, **change}, "file")
        assert secret[:16] not in str(caught.value).lower()


JSON = st.recursive(
    st.none() | st.booleans() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@given(
    st.sampled_from([SEALED, NAMED.to_secret_json_value(), NAMED.public.to_json_value()]),
    st.data(),
)
@settings(deadline=None)
def test_any_json_gives_our_error(document: dict[str, Any], data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(sorted(document)))
    value = data.draw(JSON | st.just({**document, field: data.draw(JSON)}))
    for read in (
        lambda: unseal(value, "x", "file"),
        lambda: NamedSigningKey.from_json_value(value, "file"),
        lambda: NamedPublicKey.from_json_value(value, "file"),
    ):
        with pytest.raises(InputError):
            read()


def test_a_pipe_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    """Nor a device: as root, writing to /dev/null would have destroyed it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for write in (files.write_public, files.write_secret):
        with pytest.raises(FileError, match="regular file"):
            write(pipe, {"format": "x"}, overwrite=True)
    assert pipe.is_fifo()
