"""Says what a connection attempt meets: probe.py ADDRESS tcp:22 udp:4789 …, prints {"tcp:22": "open", …}.

open: somebody answers. closed: nobody listens, but the packet arrived. dropped: no answer at all.
"""

import json
import socket
import sys
from concurrent.futures import ThreadPoolExecutor

SECONDS = 0.8


def probe(target):
    protocol, port = target.split(":")
    kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
    with socket.socket(socket.AF_INET, kind) as attempt:
        attempt.settimeout(SECONDS)
        try:
            attempt.connect((sys.argv[1], int(port)))
            if protocol == "udp":
                attempt.send(b"x")
                attempt.recv(1)
        except ConnectionRefusedError:
            return "closed"
        except TimeoutError:
            return "dropped"
        return "open"


with ThreadPoolExecutor(32) as pool:
    print(json.dumps(dict(zip(sys.argv[2:], pool.map(probe, sys.argv[2:])))))
