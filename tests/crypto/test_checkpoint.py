"""Notes and checkpoints: published ones, and what is none."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zkcollateral.crypto.checkpoint import (
    MAX_NOTE_BYTES,
    MAX_SIGNATURES,
    Checkpoint,
    VerifierKey,
    open_checkpoint,
    open_note,
    sign_checkpoint,
    sign_note,
)
from zkcollateral.crypto.merkle import EMPTY_ROOT, MAX_SIZE
from zkcollateral.crypto.signature import PublicKey, SigningKey
from zkcollateral.errors import EncodingError, LogError, SignatureError, ZkCollateralError

# golang.org/x/mod v0.33.0, sumdb/note/note_test.go and example_test.go.
PETER_SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
PETER_LINE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgK"
    "vqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_LINE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01"
    "oOTGwnWLox33WWd1RvMc+QQ=\n"
)
# The examples of C2SP tlog-checkpoint and C2SP signed-note, which come without their keys.
SOFA = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4U"
    "RYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
POEM = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW"
    "9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
# github.com/transparency-dev/tessera v1.0.4, testdata/build_log.sh and testdata/log/checkpoint.7.
TESSERA_SECRET = (
    "PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg"
)
TESSERA = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
TESSERA_NOTE = (
    "example.com/log/testdata\n7\nIrSXADBqJ7EQoUODSDKROySgNveeL6CFhik2w/+fS7U=\n\n"
    "— example.com/log/testdata M9e0luA5JhTRUki/BBQD0QNiH6AEJ2pdtsA5CQjqJErViuuKrN651"
    "3RCTL2640wXJv0dCed3neRGI6dMzBq9uANf2Qc=\n"
).encode()

ORIGIN = "example.com/log"
KEY, OTHER = SigningKey(bytes(range(32))), SigningKey(bytes(range(1, 33)))
VKEY, OTHER_VKEY = VerifierKey(ORIGIN, KEY.public), VerifierKey("witness", OTHER.public)
ROOT = hashlib.sha256(b"a root").digest()
CHECKPOINT = Checkpoint(ORIGIN, 7, ROOT)
NOTE = sign_checkpoint(CHECKPOINT, KEY)
B64_ROOT = base64.b64encode(ROOT).decode()


def secret(text: str) -> SigningKey:
    return SigningKey(base64.b64decode(text.split("+", 4)[4])[1:])


def line(text: bytes, name: str = ORIGIN, key: SigningKey = KEY) -> bytes:
    """One more signature line."""
    note = sign_note(text, name, key)
    return note[len(text) + 1 :]


# --- published notes


def test_published_keys() -> None:
    for text in (PETER, ENOCH, TESSERA):
        assert str(VerifierKey.parse(text)) == text
    assert str(VerifierKey("PeterNeumann", secret(PETER_SECRET).public)) == PETER


def test_the_published_note_is_signed_to_the_same_bytes() -> None:
    note = sign_note(TEXT.encode(), "PeterNeumann", secret(PETER_SECRET))
    assert note.decode() == f"{TEXT}\n{PETER_LINE}"


def test_published_notes_are_opened() -> None:
    peter, enoch = VerifierKey.parse(PETER), VerifierKey.parse(ENOCH)
    both = f"{TEXT}\n{PETER_LINE}{ENOCH_LINE}".encode()
    assert open_note(both, [peter]).signed_by == (peter,)
    assert open_note(both, [enoch, peter]).signed_by == (peter, enoch)
    assert open_note(both, [peter, enoch, peter]).text == TEXT.encode()
    with pytest.raises(SignatureError, match="expected a signature of nobody, got none"):
        open_note(both, [])
    # "Duplicated verified and unverified signatures" there.
    spoiled = ENOCH_LINE[:60] + "ABCD" + ENOCH_LINE[60:]
    twice = f"{TEXT}\n{PETER_LINE}{PETER_LINE}{ENOCH_LINE}{ENOCH_LINE}{spoiled}".encode()
    assert open_note(twice, [peter]).signed_by == (peter,)
    with pytest.raises(SignatureError, match="signature 5: expected 64 bytes"):
        open_note(twice, [peter, enoch])


@pytest.mark.parametrize(
    "note",
    [
        TEXT,
        f"{TEXT}\n",
        f"{TEXT}\n{PETER_LINE[:-1]}",
        f"\x01{TEXT}\n{PETER_LINE}",
        f"{TEXT}\n{PETER_LINE.replace('PeterNeumann', 'Bad Name')}",
        f"{TEXT}\n{PETER_LINE}Unexpected line.\n",
        f"{TEXT}\n" + 101 * PETER_LINE,
    ],
)
def test_published_malformed_notes_are_refused(note: str) -> None:
    with pytest.raises(EncodingError):
        open_note(note.encode(), [VerifierKey.parse(PETER)])


@pytest.mark.parametrize(
    "text",
    [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        PETER.replace("c74f20a3", "C74F20A3"),
        "",
        "+",
        "++",
    ],
)
def test_published_malformed_keys_are_refused(text: str) -> None:
    with pytest.raises(EncodingError, match="verifier key"):
        VerifierKey.parse(text)


def test_no_part_and_no_change_of_a_published_key_is_one() -> None:
    for start in range(len(PETER)):
        for end in range(start + 1, len(PETER) + 1):
            if (start, end) != (0, len(PETER)):
                with pytest.raises(EncodingError):
                    VerifierKey.parse(PETER[start:end])
    for at, character in enumerate(PETER):
        with pytest.raises(EncodingError):
            VerifierKey.parse(PETER[:at] + chr(ord(character) + 1) + PETER[at + 1 :])


def test_the_examples_of_the_specifications_are_read() -> None:
    text, _, _ = SOFA.encode().rpartition(b"\n\n")
    checkpoint, extensions = Checkpoint.parse(text + b"\n")
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.text() == text + b"\n"
    assert extensions == ()
    # Well-formed, and by nobody who is known here.
    for note in (SOFA, POEM):
        with pytest.raises(SignatureError, match="got none"):
            open_note(note.encode(), [VKEY])


def test_a_checkpoint_of_another_implementation() -> None:
    key = VerifierKey.parse(TESSERA)
    opened = open_checkpoint(TESSERA_NOTE, [key])
    assert opened.checkpoint.size == 7
    assert opened.checkpoint.origin == "example.com/log/testdata"
    assert opened.signed_by == (key,)
    assert sign_checkpoint(opened.checkpoint, secret(TESSERA_SECRET)) == opened.note == TESSERA_NOTE


# --- names and keys


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a+b",
        "a\tb",
        "a\nb",
        "a\u00a0b",
        "a\u2003b",
        "a\u3000",
        "\u0085",
        "a\x00",
        "\ud800",
    ],
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(EncodingError, match="a name without spaces"):
        VerifierKey(name, KEY.public)
    with pytest.raises(EncodingError, match="a name without spaces"):
        Checkpoint(name, 7, ROOT)


def test_names_need_not_be_ascii() -> None:
    key = VerifierKey("beispiel.example/prüfer", KEY.public)
    assert VerifierKey.parse(str(key)) == key
    assert open_note(sign_note(b"text\n", key.name, KEY), [key]).signed_by == (key,)


def test_the_key_id_is_of_name_type_and_key() -> None:
    hashed = ORIGIN.encode() + b"\n\x01" + KEY.public.raw
    assert VKEY.id == hashlib.sha256(hashed).digest()[:4]


def test_a_key_of_small_order_is_refused() -> None:
    data = b"\x01" + (1).to_bytes(32, "little")
    digits = hashlib.sha256(b"a\n" + data).hexdigest()[:8]
    with pytest.raises(EncodingError, match="small order"):
        VerifierKey.parse(f"a+{digits}+{base64.b64encode(data).decode()}")


# --- checkpoints


@given(
    st.from_regex(r"[a-z]{1,9}\.example/[a-z0-9]{0,9}", fullmatch=True),
    st.integers(1, MAX_SIZE),
    st.binary(min_size=32, max_size=32),
)
def test_a_signed_checkpoint_is_opened(origin: str, size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin, size, root)
    opened = open_checkpoint(sign_checkpoint(checkpoint, KEY), [VerifierKey(origin, KEY.public)])
    assert opened.checkpoint == checkpoint
    assert opened.extensions == ()


def test_the_bytes_of_a_checkpoint() -> None:
    text = f"{ORIGIN}\n7\n{B64_ROOT}\n"
    signature = base64.b64encode(VKEY.id + KEY.sign(text.encode())).decode()
    assert NOTE.decode() == f"{text}\n— {ORIGIN} {signature}\n"


def test_every_changed_byte_is_refused() -> None:
    for at in range(len(NOTE)):
        for bit in range(8):
            data = bytearray(NOTE)
            data[at] ^= 1 << bit
            with pytest.raises(ZkCollateralError):
                open_checkpoint(bytes(data), [VKEY], ORIGIN)
    for at in range(len(NOTE)):
        with pytest.raises(ZkCollateralError):
            open_checkpoint(NOTE[:at] + NOTE[at + 1 :], [VKEY], ORIGIN)


def test_extension_lines_are_signed_and_passed_over() -> None:
    text = CHECKPOINT.text() + b"one more\nand another\n"
    note = sign_note(text, ORIGIN, KEY)
    opened = open_checkpoint(note, [VKEY])
    assert opened.checkpoint == CHECKPOINT
    assert opened.extensions == ("one more", "and another")
    with pytest.raises(SignatureError, match="does not verify"):
        open_checkpoint(note.replace(b"one more\n", b""), [VKEY])


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n7\n",
        f"{ORIGIN}\n7\n\n",
        f"\n7\n{B64_ROOT}\n",
        f"{ORIGIN}\n\n{B64_ROOT}\n",
        f"{ORIGIN}\n7\n{B64_ROOT}\n\nextension\n",
        f"example.com log\n7\n{B64_ROOT}\n",
        f"example.com+log\n7\n{B64_ROOT}\n",
        f"{ORIGIN}\n07\n{B64_ROOT}\n",
        f"{ORIGIN}\n00\n{B64_ROOT}\n",
        f"{ORIGIN}\n+7\n{B64_ROOT}\n",
        f"{ORIGIN}\n-7\n{B64_ROOT}\n",
        f"{ORIGIN}\n 7\n{B64_ROOT}\n",
        f"{ORIGIN}\n7 \n{B64_ROOT}\n",
        f"{ORIGIN}\n7.0\n{B64_ROOT}\n",
        f"{ORIGIN}\n0x7\n{B64_ROOT}\n",
        f"{ORIGIN}\n1_0\n{B64_ROOT}\n",
        f"{ORIGIN}\n\u0667\n{B64_ROOT}\n",
        f"{ORIGIN}\n{2**63}\n{B64_ROOT}\n",
        f"{ORIGIN}\n{10**4000}\n{B64_ROOT}\n",
        f"{ORIGIN}\n7\n{B64_ROOT[:-1]}\n",
        f"{ORIGIN}\n7\n{B64_ROOT}=\n",
        f"{ORIGIN}\n7\n {B64_ROOT}\n",
        f"{ORIGIN}\n7\n{B64_ROOT[:-2]}{chr(ord(B64_ROOT[-2]) + 1)}=\n",
        f"{ORIGIN}\n7\n{ROOT.hex()}\n",
        f"{ORIGIN}\n7\n{base64.b64encode(ROOT[:31]).decode()}\n",
        f"{ORIGIN}\n7\n{base64.b64encode(ROOT + b'x').decode()}\n",
        f"{ORIGIN}\n0\n{B64_ROOT}\n",
    ],
)
def test_other_texts_are_no_checkpoint_even_if_signed(text: str) -> None:
    """The key signs them all: what a log must not sign is still not read as something."""
    with pytest.raises(EncodingError, match="there"):
        open_checkpoint(sign_note(text.encode(), ORIGIN, KEY), [VKEY], ORIGIN, "there")


@pytest.mark.parametrize("text", [b"", b"no newline", b"a\rb\n", b"a\x00\n", b"a\tb\n", b"\xff\n"])
def test_other_texts_are_not_signed(text: bytes) -> None:
    with pytest.raises(EncodingError, match="note"):
        sign_note(text, ORIGIN, KEY)


def test_other_values_make_no_checkpoint() -> None:
    assert Checkpoint(ORIGIN, 0, EMPTY_ROOT).text().startswith(ORIGIN.encode() + b"\n0\n")
    for size, root in [
        (-1, ROOT),
        (MAX_SIZE + 1, ROOT),
        (7, ROOT[:31]),
        (7, ROOT + b"x"),
        (0, ROOT),
    ]:
        with pytest.raises(EncodingError, match="checkpoint"):
            Checkpoint(ORIGIN, size, root)


def test_the_longest_size_is_read() -> None:
    checkpoint = Checkpoint(ORIGIN, MAX_SIZE, ROOT)
    assert open_checkpoint(sign_checkpoint(checkpoint, KEY), [VKEY]).checkpoint == checkpoint


# --- whose checkpoint it is


def test_a_checkpoint_of_another_log_is_refused() -> None:
    with pytest.raises(LogError, match=r"expected a checkpoint of 'example.com/other'"):
        open_checkpoint(NOTE, [VKEY], "example.com/other")


def test_without_an_origin_the_log_s_own_key_has_to_sign() -> None:
    text = CHECKPOINT.text()
    cosigned = text + b"\n" + line(text, "witness", OTHER)
    assert open_checkpoint(cosigned, [OTHER_VKEY], ORIGIN).signed_by == (OTHER_VKEY,)
    with pytest.raises(LogError, match="'witness'"):
        open_checkpoint(cosigned, [OTHER_VKEY])
    with pytest.raises(LogError, match="'witness'"):
        open_checkpoint(cosigned, [VKEY, OTHER_VKEY])
    both = cosigned + line(text)
    assert open_checkpoint(both, [VKEY, OTHER_VKEY]).signed_by == (OTHER_VKEY, VKEY)


# --- signatures


def test_signatures_of_unknown_keys_are_passed_over() -> None:
    text = CHECKPOINT.text()
    same_name = line(text, ORIGIN, OTHER)
    long = "— pq.example " + base64.b64encode(b"\x01\x02\x03\x04" + bytes(5000)).decode() + "\n"
    note = text + b"\n" + same_name + long.encode() + line(text)
    assert open_checkpoint(note, [VKEY]).signed_by == (VKEY,)
    with pytest.raises(SignatureError, match="got none"):
        open_checkpoint(text + b"\n" + same_name + long.encode(), [VKEY])


def test_the_same_id_under_another_name_is_another_key() -> None:
    text = CHECKPOINT.text()
    spoiled = line(text).replace(ORIGIN.encode(), b"another.example")
    with pytest.raises(SignatureError, match="got none"):
        open_note(text + b"\n" + spoiled, [VKEY])
    assert open_note(text + b"\n" + spoiled + line(text), [VKEY]).signed_by == (VKEY,)


def test_one_bad_signature_of_a_known_key_is_enough() -> None:
    text = CHECKPOINT.text()
    bad = line(Checkpoint(ORIGIN, 8, ROOT).text())
    for note in (text + b"\n" + bad + line(text), text + b"\n" + line(text) + bad):
        with pytest.raises(SignatureError, match="does not verify"):
            open_note(note, [VKEY])
    twice = text + b"\n" + line(text) + line(text)
    assert open_note(twice, [VKEY]).signed_by == (VKEY,)


def test_two_keys_of_one_name_and_id_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(VerifierKey, "id", b"same")
    keys = [VKEY, VerifierKey(ORIGIN, OTHER.public)]
    with pytest.raises(EncodingError, match="one key for every name and key id"):
        open_note(NOTE, keys)


@pytest.mark.parametrize(
    "ending",
    [
        b"- example.com/log AAAAAAA=\n",
        "\u2014example.com/log AAAAAAA=\n".encode(),
        "\u2014 example.com/log\n".encode(),
        "\u2014  AAAAAAA=\n".encode(),
        "\u2014 example.com+log AAAAAAA=\n".encode(),
        "\u2014 example.com/log AAAAAAA\n".encode(),
        "\u2014 example.com/log AAAAAAB=\n".encode(),
        "\u2014 example.com/log AAAAAAA= \n".encode(),
        "\u2014 example.com/log AAAAAA==\n".encode(),
        "\u2014 example.com/log AA-_AAA=\n".encode(),
        "\u2014 example.com/log \n".encode(),
        "\u2014 example.com/log AAAAAAA=\r\n".encode(),
        "\u2014 example.com/log AAAAAAA=".encode(),
        "\u2014 example.com/log AAAAAAA=\n\n".encode(),
        b"\xff\n",
    ],
)
def test_a_malformed_line_spoils_a_good_note(ending: bytes) -> None:
    with pytest.raises(EncodingError):
        open_note(NOTE + ending, [VKEY])


def test_notes_are_bounded() -> None:
    text = CHECKPOINT.text()
    unknown = line(text, "witness", OTHER)
    most = text + b"\n" + unknown * (MAX_SIGNATURES - 1) + line(text)
    assert open_note(most, [VKEY]).signed_by == (VKEY,)
    with pytest.raises(EncodingError, match=f"1 to {MAX_SIGNATURES} signatures"):
        open_note(most + unknown, [VKEY])
    assert MAX_SIGNATURES >= 16
    long = b"x" * MAX_NOTE_BYTES + b"\n"
    with pytest.raises(EncodingError, match="at most"):
        sign_note(long, ORIGIN, KEY)
    with pytest.raises(EncodingError, match="at most"):
        open_note(long + b"\n" + line(b"x\n"), [VKEY])


def test_sixteen_of_the_largest_signatures_fit() -> None:
    """C2SP signed-note: "MUST accept at least up to 16", of up to nearly 5 kB each."""
    text = CHECKPOINT.text()
    big = "— pq.example/witness " + base64.b64encode(b"\x01\x02\x03\x04" + bytes(5000)).decode()
    note = text + b"\n" + f"{big}\n".encode() * 15 + line(text)
    assert open_note(note, [VKEY]).signed_by == (VKEY,)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_in_the_usual_way(data: bytes) -> None:
    for note in (data, NOTE + data if data else b"", data + NOTE if data else b""):
        with pytest.raises((EncodingError, SignatureError)):
            open_note(note, [VKEY])


def test_a_public_key_alone_signs_nothing() -> None:
    assert isinstance(VKEY.key, PublicKey)
    assert KEY.secret_bytes().hex() not in repr(VKEY) + str(VKEY)
