"""Show the built site on this machine (`make serve`)."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SITE = Path(__file__).resolve().parent.parent / "_build" / "html"


def server(directory: Path, port: int) -> ThreadingHTTPServer:
    """A server of `directory` that only this machine can reach; port 0 takes any that is free."""
    return ThreadingHTTPServer(("127.0.0.1", port), partial(SimpleHTTPRequestHandler, directory=str(directory)))


if __name__ == "__main__":
    try:
        site = server(SITE, 8000)
    except OSError:
        site = server(SITE, 0)
    print(f"The book is at http://127.0.0.1:{site.server_address[1]}/ (Ctrl-C stops it)", flush=True)
    try:
        site.serve_forever()
    except KeyboardInterrupt:
        print()
