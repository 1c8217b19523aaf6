"""The embedded Redis: started, replaced, and finding its data again."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from ocpplab.embedded import answers, server_command, stop_leftover
from tests.portal import wait_until


class Server:
    def __init__(self, directory: Path) -> None:
        self.socket = directory / "redis.sock"
        self.data = directory / "redis"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = server_command(self.socket, self.data)
        self.process = subprocess.Popen(command)
        wait_until(lambda: answers(self.socket), 10, "Redis answers")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def client(self) -> Redis:
        return Redis(unix_socket_path=str(self.socket), decode_responses=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    server.start()
    yield server
    server.kill()


def test_it_listens_on_its_socket_alone_and_for_its_owner_alone(server):
    with server.client() as client:
        assert client.config_get("port") == {"port": "0"}
    assert server.socket.stat().st_mode & 0o077 == 0


def test_what_it_held_is_there_again_after_it_was_killed(server):
    with server.client() as client:
        client.rpush("queue", "job")
    server.kill()
    assert not answers(server.socket)  # though the socket file is there still
    server.start()
    with server.client() as client:
        assert client.lrange("queue", 0, -1) == ["job"]


def test_a_server_left_over_is_stopped_and_loses_nothing(server):
    with server.client() as client:
        client.set("key", "value")
    stop_leftover(server.socket)
    assert server.process.wait(10) == 0
    server.start()
    with server.client() as client:
        assert client.get("key") == "value"


def test_a_socket_file_without_a_server_is_no_obstacle(server):
    server.kill()
    stop_leftover(server.socket)
    server.start()


def test_where_nothing_was_left_there_is_nothing_to_stop(tmp_path):
    stop_leftover(tmp_path / "none.sock")
