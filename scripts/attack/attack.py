"""Attacks a gateway and tells whether a stranger was served meanwhile. See scripts/attack.sh."""

import faulthandler
import resource
import socket
import sys
import time
from collections.abc import Callable, Iterator

import http2
from stage import Stage

MOST_MEGABYTES = 120
# After how many seconds of an attack the stranger comes.
VISITS = (3, 15, 60)


def connect(address: tuple[str, int]) -> socket.socket:
    """A connection of the attacker, who has another address than the stranger."""
    attacker = socket.socket()
    attacker.settimeout(5)
    attacker.bind(("127.0.0.2", 0))
    attacker.connect(address)
    return attacker


def send(attacker: socket.socket, data: bytes) -> None:
    """Sends, if the gateway still listens."""
    try:
        attacker.sendall(data)
    except OSError:
        pass


def silent(stage: Stage) -> Iterator[list[socket.socket]]:
    """520 connections that say nothing, or not enough; 130 of them on the admin listener."""
    says = [b"", b"P", http2.PREFACE[:-1], b"GET /orders/1 HTTP/1.1\r\nHos"]
    attackers = [connect(stage.admin if number < 130 else stage.listen) for number in range(520)]
    for number, attacker in enumerate(attackers):
        send(attacker, says[number % len(says)])
    while True:
        yield attackers


def streams(stage: Stage, window: int, flags: int, method: str) -> Iterator[list[socket.socket]]:
    """6 connections of HTTP/2 with 200 requests each."""
    attackers = [connect(stage.listen) for _ in range(6)]
    for attacker in attackers:
        send(attacker, http2.hello(window))
        for stream in range(1, 401, 2):
            send(attacker, http2.request(stream, flags, method, "/orders/big", stage.token))
            if not flags:
                send(attacker, http2.frame(http2.DATA, 0, stream, b"x"))
    while True:
        yield attackers


def slow(stage: Stage) -> Iterator[list[socket.socket]]:
    """480 peers that always say something, and never much: a PING, a refused request, a byte of a body."""
    post = f"POST /orders/1 HTTP/1.1\r\nHost: gateway\r\nAuthorization: Bearer {stage.token}\r\n"
    begins = [http2.hello(65_535), b"", post.encode() + b"Content-Length: 1000000\r\n\r\n"]
    goes_on = [http2.frame(http2.PING, 0, 0, bytes(8)), b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n", b"x"]
    attackers = [connect(stage.listen) for _ in range(480)]
    for number, attacker in enumerate(attackers):
        send(attacker, begins[number % 3])
    while True:
        for number, attacker in enumerate(attackers):
            send(attacker, goes_on[number % 3])
        yield attackers


Attack = Callable[[Stage], Iterator[list[socket.socket]]]
ATTACKS: dict[str, Attack] = {
    "520 silent connections": silent,
    "6 x 200 streams, windows shut": lambda stage: streams(stage, 0, http2.END_STREAM, "GET"),
    "6 x 200 streams, bodies without end": lambda stage: streams(stage, 65_535, 0, "POST"),
    "480 slow peers": slow,
}


def run(binary: str, name: str, attack: Attack, seconds: int) -> bool:
    """Runs one attack against a gateway of its own."""
    problems = []
    with Stage(binary) as stage:
        running = attack(stage)
        attackers = next(running)
        begun, visits = time.monotonic(), [visit for visit in VISITS if visit <= seconds]
        while visits:
            time.sleep(1)
            next(running)
            if time.monotonic() - begun < visits[0]:
                continue
            visit = visits.pop(0)
            problem = stage.serves() or (stage.fetches_keys() if visit == VISITS[0] else None)
            print(f"  +{visit} s: {problem or 'served'}; {stage.files()} files, {stage.megabytes()} MB", flush=True)
            problems += [problem] if problem else []
        if stage.megabytes() > MOST_MEGABYTES:
            problems.append("too much memory")
        for attacker in attackers:
            attacker.close()
    print(f"{'FAILED' if problems else 'ok'}: {name}", flush=True)
    return not problems


def main() -> int:
    binary, seconds = sys.argv[1], int(sys.argv[2])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    # Whatever hangs, this ends.
    faulthandler.dump_traceback_later(len(ATTACKS) * (seconds + 60), exit=True)
    results = [run(binary, name, attack, seconds) for name, attack in ATTACKS.items()]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
