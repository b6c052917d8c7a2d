"""A slow cable between this computer and a network namespace, without netem: two TAP devices whose frames are held for a
fixed time each way. Lives as long as its standard input is open; the devices vanish with it.

Usage: delay_link.py NAMESPACE INNER_DEVICE OUTER_DEVICE ONE_WAY_MILLISECONDS
Says `ready` on standard output once both devices are there.
"""

import collections
import ctypes
import fcntl
import os
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
CLONE_NEWNET = 0x40000000
LARGEST_FRAME = 65536


def tap(name):
    """A TAP device in the namespace that this process is in."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    request = struct.pack("16sH22s", name.encode(), IFF_TAP | IFF_NO_PI, b"")
    fcntl.ioctl(descriptor, TUNSETIFF, request)
    return descriptor


def enter(namespace):
    """Moves this process, and devices it makes from now on, to a namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if libc.setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")
    os.close(descriptor)


def carry(one, other, delay):
    """Holds every frame for its time, in order, until standard input ends."""
    under_way = collections.deque()
    opposite = {one: other, other: one}
    poll = select.epoll()
    for descriptor in (one, other, sys.stdin.fileno()):
        poll.register(descriptor, select.EPOLLIN)
    while True:
        now = time.monotonic()
        while under_way and under_way[0][0] <= now:
            _, goal, frame = under_way.popleft()
            try:
                os.write(goal, frame)
            except OSError:
                pass  # A device that is down drops frames, as a cable would.
        wait = max(under_way[0][0] - time.monotonic(), 0) if under_way else -1
        for descriptor, _ in poll.poll(wait):
            if descriptor not in opposite:
                return
            while True:
                try:
                    frame = os.read(descriptor, LARGEST_FRAME)
                except OSError:
                    break
                under_way.append((time.monotonic() + delay, opposite[descriptor], frame))


def main():
    namespace, inner, outer, milliseconds = sys.argv[1:]
    ours = tap(outer)
    enter(namespace)
    theirs = tap(inner)
    print("ready", flush=True)
    carry(ours, theirs, float(milliseconds) / 1000)


main()
