"""Password hashers for tests: one that counts how often it was asked, one whose callers wait for each other."""

from threading import Barrier
from typing import ClassVar

from django.contrib.auth.hashers import MD5PasswordHasher


class CountingHasher(MD5PasswordHasher):
    encoded: ClassVar[int] = 0

    def encode(self, password: str, salt: str) -> str:
        type(self).encoded += 1
        return super().encode(password, salt)


class MeetingHasher(MD5PasswordHasher):
    """Hashes only once as many sign-ins as the barrier asks for are hashing at the same time."""

    barrier: ClassVar[Barrier]

    def verify(self, password: str, encoded: str) -> bool:
        self.barrier.wait(timeout=20)
        return super().verify(password, encoded)
