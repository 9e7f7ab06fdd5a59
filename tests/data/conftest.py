import http.server
import threading
from dataclasses import dataclass, field

import pytest

CONTENT = bytes(range(256)) * 4000


@dataclass
class Page:
    """What the server says at one path."""

    body: bytes
    status: int = 200
    tag: str = ""
    """Its ETag, which also guards If-Range."""
    ranges: bool = True
    """Whether parts can be asked for."""
    guarded: bool = True
    """Whether If-Range is heeded."""
    cut: tuple[int, ...] = ()
    """How many bytes come of the first, second ... answer before the connection is cut."""
    headers: dict[str, str] = field(default_factory=dict)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        asked = self.headers.get("Range", "")
        self.server.asked.append((self.path, asked))
        page = self.server.pages.get(self.path, Page(b"", 404))
        start, status, extra = 0, page.status, {}
        guard = self.headers.get("If-Range")
        if asked and page.ranges and (not page.guarded or guard in (None, page.tag)):
            start = int(asked.removeprefix("bytes=").rstrip("-"))
            status = 206 if start < len(page.body) else 416
            span = f"{start}-{len(page.body) - 1}" if status == 206 else "*"
            extra["Content-Range"] = f"bytes {span}/{len(page.body)}"
        body = b"" if status == 416 else page.body[start:]
        self.send_response(status)
        for name, value in {
            "Content-Length": str(len(body)),
            **({"ETag": page.tag} if page.tag else {}),
            **extra,
            **page.headers,
        }.items():
            if value:
                self.send_header(name, value)
        self.end_headers()
        if page.cut:
            body, page.cut = body[: page.cut[0]], page.cut[1:]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server():
    """A real server: `pages` maps a path to a Page, `asked` lists paths and ranges."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        running.daemon_threads = True
        running.pages, running.asked = {"/file.bin": Page(CONTENT, tag='"1"')}, []
        running.url = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.shutdown()
        thread.join()
