"""Listens on TCP ports until it is stopped; those that are taken are listened to already."""

import selectors
import socket
import sys

waiting = selectors.DefaultSelector()
for port in map(int, sys.argv[1:]):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("0.0.0.0", port))
    except OSError:
        continue
    listener.listen()
    waiting.register(listener, selectors.EVENT_READ)
while True:
    for key, _ in waiting.select():
        key.fileobj.accept()[0].close()
