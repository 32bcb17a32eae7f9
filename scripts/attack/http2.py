"""Frames of HTTP/2 (RFC 9113), written by hand: what no well-behaved client would send."""

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
END_STREAM, END_HEADERS, ACK = 1, 4, 1
INITIAL_WINDOW_SIZE = 4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """One frame."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def hello(window: int) -> bytes:
    """The beginning of a connection: each answer may have `window` bytes until the client says otherwise."""
    setting = INITIAL_WINDOW_SIZE.to_bytes(2, "big") + window.to_bytes(4, "big")
    return PREFACE + frame(SETTINGS, 0, 0, setting) + frame(SETTINGS, ACK, 0)


def request(stream: int, flags: int, method: str, path: str, token: str) -> bytes:
    """The head of a request, literal and without a table (RFC 7541 section 6.2.2)."""
    pairs = [
        (":method", method),
        (":scheme", "http"),
        (":authority", "gateway"),
        (":path", path),
        ("authorization", f"Bearer {token}"),
    ]
    block = b"".join(b"\0" + _text(name) + _text(value) for name, value in pairs)
    return frame(HEADERS, flags | END_HEADERS, stream, block)


def _text(text: str) -> bytes:
    raw = text.encode()
    if len(raw) < 127:
        return bytes([len(raw)]) + raw
    prefix, rest = bytearray([127]), len(raw) - 127
    while rest >= 128:
        prefix.append(rest % 128 | 128)
        rest //= 128
    prefix.append(rest)
    return bytes(prefix) + raw
