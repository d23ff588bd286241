"""A Hub of one process: the few calls of the Hub's protocol that pushing and pulling releases take, over real HTTP.

Repositories are kept in memory, a commit is a dict of path to bytes, and every call is written down in `Hub.calls`. Tokens are
checked: a call that writes needs `Hub.token`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

_API = re.compile(r"/api/(models|datasets)/([^/]+/[^/]+)/(preupload|commit|tag|revision|refs|tree)(?:/([^/?]+))?")
_FILE = re.compile(r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")


@dataclass
class Repository:
    """Commits by id, in order; where branches and tags point; whether anybody may read it."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=lambda: {"0" * 40: {}})
    names: dict[str, str] = field(default_factory=lambda: {"main": "0" * 40})
    tags: dict[str, str] = field(default_factory=dict)
    private: bool = False

    def commit_of(self, revision: str) -> str | None:
        """The commit that a branch, a tag or a commit's own id means."""
        found = self.tags.get(revision) or self.names.get(revision) or revision
        return found if found in self.commits else None


@dataclass
class Hub:
    """What is on the server, and what was asked of it."""

    url: str = ""
    token: str = "hf_test"
    repositories: dict[tuple[str, str], Repository] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    down: bool = False
    """Answer nothing but 503."""

    def files(self, repo: str, revision: str, kind: str = "models") -> dict[str, bytes]:
        """The files of a repository at a revision."""
        repository = self.repositories[kind, repo]
        commit = repository.commit_of(revision)
        assert commit is not None, f"no revision {revision}"
        return repository.commits[commit]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def _json(self, value: object, status: int = 200, **headers: str) -> None:
        self._send(json.dumps(value).encode(), status, {"Content-Type": "application/json", **headers})

    def _send(self, body: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _missing(self, code: str) -> None:
        self._json({"error": code}, 404, **{"X-Error-Code": code})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self._begin()
        if path is None:
            return
        if path == "/api/whoami-v2":
            self._json({"type": "user", "name": "tester", "orgs": []}, 200 if self._known() else 401)
        elif match := _API.fullmatch(path):
            kind, repo, what, revision = match.groups()
            repository = self.hub.repositories.get((kind, repo))
            if repository is None or (repository.private and not self._known()):
                self._missing("RepoNotFound")
            elif what == "refs":
                refs = [
                    {"name": tag, "ref": f"refs/tags/{tag}", "targetCommit": at} for tag, at in repository.tags.items()
                ]
                self._json({"branches": [], "converts": [], "tags": refs})
            elif (commit := repository.commit_of(unquote(revision or "main"))) is None:
                self._missing("RevisionNotFound")
            elif what == "tree":
                files = repository.commits[commit]
                self._json([{"type": "file", "path": p, "size": len(v), "oid": _etag(v)} for p, v in files.items()])
            else:
                siblings = [{"rfilename": path} for path in repository.commits[commit]]
                self._json({"id": repo, "sha": commit, "private": False, "tags": [], "siblings": siblings})
        elif match := _FILE.fullmatch(path):
            prefix, repo, revision, file = match.groups()
            repository = self.hub.repositories.get(("datasets" if prefix else "models", repo))
            commit = repository.commit_of(unquote(revision)) if repository else None
            if repository is None or commit is None or file not in repository.commits[commit]:
                self._missing("EntryNotFound")
                return
            body = repository.commits[commit][file]
            self._send(body, 200, {"X-Repo-Commit": commit, "ETag": f'"{_etag(body)}"'})
        else:
            self._missing("NotFound")

    def do_POST(self) -> None:
        path = self._begin()
        if path is None:
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path == "/api/validate-yaml":
            self._json({"errors": [], "warnings": []})
            return
        if not self._known():
            self._json({"error": "Invalid username or password."}, 401)
            return
        if path == "/api/repos/create":
            wanted = json.loads(body)
            kind = "datasets" if wanted.get("type") == "dataset" else "models"
            repo = f"{wanted.get('organization') or 'tester'}/{wanted['name']}"
            known = (kind, repo) in self.hub.repositories
            private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
            self.hub.repositories.setdefault((kind, repo), Repository(private=private))
            url = f"{self.hub.url}/{'datasets/' if kind == 'datasets' else ''}{repo}"
            self._json({"url": url, "name": repo, "id": repo}, 409 if known else 200)
            return
        match = _API.fullmatch(path)
        repository = self.hub.repositories.get((match[1], match[2])) if match else None
        if match is None or repository is None:
            self._missing("RepoNotFound")
            return
        what, revision = match[3], unquote(match[4] or "main")
        if what == "preupload":
            files = json.loads(body)["files"]
            self._json({"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in files]})
        elif what == "commit":
            prefix = "datasets/" if match[1] == "datasets" else ""
            commit = self._commit(repository, revision, body)
            url = f"{self.hub.url}/{prefix}{match[2]}/commit/{commit}"
            self._json({"success": True, "commitUrl": url, "commitOid": commit, "hookOutput": ""})
        elif what == "tag":
            tag, commit = json.loads(body)["tag"], repository.commit_of(revision)
            if tag in repository.tags:
                self._json({"error": "Tag reference exists already."}, 409)
            elif commit is None:
                self._missing("RevisionNotFound")
            else:
                repository.tags[tag] = commit
                self._json({})
        else:
            self._missing("NotFound")

    def _begin(self) -> str | None:
        path = urlsplit(self.path).path
        self.hub.calls.append((self.command, unquote(path)))
        if self.hub.down:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self._json({"error": "down"}, 503)
            return None
        return unquote(path) if path.startswith("/api/repos") else path.replace("%2F", "/")

    def _known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {self.hub.token}"

    def _commit(self, repository: Repository, branch: str, body: bytes) -> str:
        files = dict(repository.commits[repository.names[branch]])
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "deletedFile":
                files.pop(value["path"], None)
        commit = hashlib.sha1(body + repository.names[branch].encode()).hexdigest()
        repository.commits[commit] = files
        repository.names[branch] = commit
        return commit


def _etag(body: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(body) + body).hexdigest()


@contextlib.contextmanager
def running() -> Iterator[Hub]:
    """A Hub on a free port of this machine, gone at the end."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
