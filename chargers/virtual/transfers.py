"""Files that a charger fetches and delivers: http(s) and ftp(s), in threads."""

import asyncio
import base64
import ftplib
import hashlib
import io
import ssl
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum, auto
from http.client import HTTPException, HTTPResponse
from typing import NamedTuple, TypeVar
from urllib.parse import SplitResult, quote, unquote, urlsplit, urlunsplit

from .clock import Clock

SOCKET_TIMEOUT = 10.0  # s without a byte
LONGEST = 300.0  # s for one file
LARGEST = 256 * 2**20  # bytes of one file; of what is fetched none is kept
CHUNK = 64 * 2**10
PROTOCOLS = "FTP,FTPS,HTTP,HTTPS"

# Their own, so that slow file servers hold up no other work of the process.
_THREADS = ThreadPoolExecutor(16, thread_name_prefix="transfer")
_T = TypeVar("_T")


class Failure(Enum):
    """Why a transfer failed, as far as OCPP tells such things apart."""

    OTHER = auto()
    UNSUPPORTED = auto()  # the protocol, or what the server cannot do
    DENIED = auto()
    MALFORMED = auto()


class TransferFailed(Exception):
    def __init__(self, reason: str, failure: Failure = Failure.OTHER) -> None:
        super().__init__(reason)
        self.failure = failure

    @property
    def is_lasting(self) -> bool:
        """Whether another attempt would fail as well."""
        return self.failure in (Failure.UNSUPPORTED, Failure.MALFORMED)


class Tries(NamedTuple):
    """How often a transfer is attempted, and the pause in between, in s."""

    attempts: int
    interval: int

    async def run(self, attempt: Callable[[], Awaitable[_T]], clock: Clock) -> _T:
        """Its result at last, or the TransferFailed of the last attempt."""
        for left in reversed(range(self.attempts)):
            try:
                return await attempt()
            except TransferFailed as problem:
                if problem.is_lasting or not left:
                    raise
            await clock.sleep(self.interval)
        raise ValueError("one attempt at least")


class Fetched(NamedTuple):
    """What is to be known of a file once it is there."""

    size: int
    sha256: bytes


async def fetch(url: str, tls: ssl.SSLContext) -> Fetched:
    """Download the file and drop it; TransferFailed when that is not possible."""
    return await _in_thread(lambda job: _fetch(job, _split(url), tls))


async def deliver(
    url: str,
    name: str,
    content: bytes,
    tls: ssl.SSLContext,
    *,
    is_whole: bool = False,
) -> None:
    """Upload the content as a file of that name into the folder that the URL names, or
    to just that URL by HTTP.
    """
    target = _split(url)
    folder = target.path.rstrip("/")
    path = target.path if is_whole else f"{folder}/{quote(name)}"
    await _in_thread(lambda job: _deliver(job, target, path, name, content, tls))


@dataclass(slots=True)
class _Job:
    """One transfer, which ends when nobody waits for it any more."""

    deadline: float
    given_up: threading.Event

    def check(self, size: int) -> None:
        if self.given_up.is_set():
            raise TransferFailed("given up")
        if time.monotonic() > self.deadline:
            raise TransferFailed("it took too long")
        if size > LARGEST:
            raise TransferFailed("the file is too large")


async def _in_thread(work: Callable[[_Job], _T]) -> _T:
    job = _Job(time.monotonic() + LONGEST, threading.Event())
    try:
        return await asyncio.get_running_loop().run_in_executor(_THREADS, work, job)
    except urllib.error.HTTPError as error:
        raise TransferFailed(f"HTTP {error.code}", _http_failure(error.code)) from None
    except ftplib.error_perm as error:
        is_denied = str(error)[:3] in ("530", "532", "550", "553")
        failure = Failure.DENIED if is_denied else Failure.UNSUPPORTED
        raise TransferFailed(str(error), failure) from None
    except (OSError, HTTPException, ftplib.Error, EOFError) as error:
        raise TransferFailed(str(error)) from None
    except ValueError as error:  # such as a port that is no number
        raise TransferFailed(str(error), Failure.MALFORMED) from None
    finally:
        job.given_up.set()


def _split(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.scheme.upper() not in PROTOCOLS.split(","):
        raise TransferFailed(f"{parts.scheme!r} is not spoken", Failure.UNSUPPORTED)
    if not parts.hostname:
        raise TransferFailed("the URL names no host", Failure.MALFORMED)
    return parts


def _http_failure(code: int) -> Failure:
    if code in (401, 403):
        return Failure.DENIED
    if code in (405, 415, 501):
        return Failure.UNSUPPORTED
    return Failure.MALFORMED if code == 400 else Failure.OTHER


def _fetch(job: _Job, url: SplitResult, tls: ssl.SSLContext) -> Fetched:
    digest, size = hashlib.sha256(), 0

    def take(chunk: bytes) -> None:
        nonlocal size
        size += len(chunk)
        job.check(size)
        digest.update(chunk)

    if url.scheme.lower().startswith("ftp"):
        with _ftp(url, tls) as ftp:
            ftp.retrbinary(f"RETR {_ftp_path(url.path)}", take, CHUNK)
    else:
        with _request(url, tls) as response:
            while chunk := response.read(CHUNK):
                take(chunk)
            if response.length:  # ended before Content-Length was reached
                raise TransferFailed("the download broke off")
    return Fetched(size, digest.digest())


def _deliver(
    job: _Job,
    url: SplitResult,
    path: str,
    name: str,
    content: bytes,
    tls: ssl.SSLContext,
) -> None:
    job.check(len(content))
    if url.scheme.lower().startswith("ftp"):
        with _ftp(url, tls) as ftp:
            ftp.storbinary(f"STOR {_ftp_path(path)}", io.BytesIO(content), CHUNK)
        return
    try:
        _request(
            url._replace(path=path), tls, "PUT", content, "application/octet-stream"
        ).close()
    except urllib.error.HTTPError as error:
        if error.code not in (404, 405, 501):
            raise
        # A server that takes forms rather than files.
        boundary = uuid.uuid4().hex
        form = _form(boundary, name, content)
        kind = f"multipart/form-data; boundary={boundary}"
        _request(url, tls, "POST", form, kind).close()


def _form(boundary: str, name: str, content: bytes) -> bytes:
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: text/plain\r\n\r\n"
    )
    return head.encode() + content + f"\r\n--{boundary}--\r\n".encode()


def _request(
    url: SplitResult,
    tls: ssl.SSLContext,
    method: str = "GET",
    body: bytes | None = None,
    content_type: str = "",
) -> HTTPResponse:
    headers = {"Content-Type": content_type} if content_type else {}
    if url.username is not None:
        login = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(login.encode()).decode()}"
    target = urlunsplit(url._replace(netloc=url.netloc.rpartition("@")[2], fragment=""))
    request = urllib.request.Request(target, body, headers, method=method)  # noqa: S310
    # No others: a redirection must not lead to a file of this machine, nor to a proxy.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(context=tls),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.UnknownHandler(),
    ):
        opener.add_handler(handler)
    response = opener.open(request, timeout=SOCKET_TIMEOUT)
    assert isinstance(response, HTTPResponse)
    return response


def _ftp(url: SplitResult, tls: ssl.SSLContext) -> ftplib.FTP:
    is_secure = url.scheme.lower() == "ftps"
    ftp = ftplib.FTP_TLS(context=tls) if is_secure else ftplib.FTP()  # noqa: S321
    try:
        ftp.connect(url.hostname or "", url.port or 0, SOCKET_TIMEOUT)
        ftp.login(unquote(url.username or ""), unquote(url.password or ""))
        if isinstance(ftp, ftplib.FTP_TLS):
            ftp.prot_p()
    except BaseException:
        ftp.close()
        raise
    return ftp


def _ftp_path(path: str) -> str:
    """Below the folder that the login leads to (RFC 1738); no second command in it."""
    name = unquote(path).removeprefix("/")
    if "\r" in name or "\n" in name:
        raise TransferFailed("the URL names no file", Failure.MALFORMED)
    return name
