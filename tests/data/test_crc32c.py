import hypothesis
import pytest
from hypothesis import strategies as st

from keras_stprivacy.data.crc32c import Crc32c
from keras_stprivacy.data.framing import masked_crc

pytestmark = pytest.mark.any_backend


def crc_of(*pieces):
    crc = Crc32c()
    for piece in pieces:
        crc.update(piece)
    return crc


@pytest.mark.parametrize(
    ("data", "value"),
    [  # RFC 3720, B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
        (b"", 0),
    ],
)
def test_published_values(data, value):
    assert crc_of(data).value == value


@hypothesis.given(st.lists(st.binary(max_size=300), max_size=5))
def test_pieces_and_the_slow_way_agree(pieces):
    whole = b"".join(pieces)
    assert crc_of(*pieces).masked == crc_of(whole).masked == masked_crc(whole)


@pytest.mark.parametrize("size", [1 << 19, (1 << 19) + 1, 1_234_567])
def test_long_data(size):
    data = bytes(i * i % 251 for i in range(1000)) * (size // 1000 + 1)
    data = data[:size]
    assert crc_of(data[:777], data[777:]).masked == masked_crc(data)
