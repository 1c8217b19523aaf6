"""Small servers for files: one that speaks HTTP, and one that speaks FTP."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FileServer:
    """``held`` is what it has, by path; ``taken`` the methods of uploads."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.held: dict[str, bytes] = {}
        self.taken: list[str] = []
        self.logins: list[str] = []
        self.refuses: dict[str, int] = {}  # HTTP status by method
        self.requests = 0


@contextlib.contextmanager
def http_server() -> Iterator[FileServer]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None: ...

        def do_GET(self) -> None:
            server.requests += 1
            content = server.held.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _take(self) -> None:
            server.requests += 1
            content = self.rfile.read(int(self.headers["Content-Length"]))
            status = server.refuses.get(self.command, 201)
            if status < 300:
                server.held[self.path] = content
                server.taken.append(self.command)
                server.logins.append(self.headers.get("Authorization", ""))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_PUT = do_POST = _take

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server = FileServer(listener.server_port)
    thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


@contextlib.asynccontextmanager
async def ftp_server(held: dict[str, bytes]) -> AsyncIterator[str]:
    """The URL of one with passive transfers, for the user ``u`` with password ``p``."""
    data: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    data = asyncio.Queue()

    async def accept(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await data.put((reader, writer))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(text: str) -> None:
            writer.write(f"{text}\r\n".encode())

        say("220 ready")
        while line := (await reader.readline()).decode().strip():
            verb, _, rest = line.partition(" ")
            if verb == "USER":
                say("331 password")
            elif verb == "PASS":
                say("230 in" if rest == "p" else "530 no")
            elif verb == "PASV":
                high, low = divmod(passive_port, 256)
                say(f"227 ok (127,0,0,1,{high},{low})")
            elif verb in ("STOR", "RETR"):
                say("150 go")
                peer_reader, peer_writer = await data.get()
                if verb == "STOR":
                    held[rest] = await peer_reader.read()
                else:
                    peer_writer.write(held[rest])
                peer_writer.close()
                say("226 done")
            else:
                say("200 ok")
        writer.close()

    passive = await asyncio.start_server(accept, "127.0.0.1", 0)
    passive_port = passive.sockets[0].getsockname()[1]
    control = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = control.sockets[0].getsockname()[1]
    async with passive, control:
        yield f"ftp://u:p@127.0.0.1:{port}"
