"""Publishing to a hub, with huggingface_hub and a small server on this machine.

The server speaks what huggingface_hub calls for this: repository and tree, downloads, preupload,
LFS batch and upload, commit with its parent checked, pull request, check of the README's header.
What it does not do: accounts and rights beyond one token, Xet uploads (switched off here, so that
the library takes LFS), multipart uploads, merging of pull requests, limits of size and rate.
"""

import base64
import hashlib
import json
import re
import runpy
import threading
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from drbench.errors import BoardError
from drbench.publish.places.hub import Hub
from drbench.publish.publish import publish
from drbench.trust.store import load_board
from drbench.trust.validate import validate

BOARDS = runpy.run_path(str(Path(__file__).with_name("boards.py")))
write_records = BOARDS["write_records"]

# huggingface_hub uploads large files in a way that its own HTTP library is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

REPOSITORY = "lab/board"
TOKEN = "a-token"


class Server(ThreadingHTTPServer):
    """A data set repository: commits by name, branches, and large files by their SHA-256."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.commits = {}
        self.large = {}
        self.branches = {"main": self.commit(None, {".gitattributes": b""})}
        self.calls = []
        self.downloads = []
        self.by_lfs = (".safetensors",)
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def commit(self, parent, files):
        name = hashlib.sha1(f"{parent} {len(self.commits)}".encode()).hexdigest()
        self.commits[name] = files
        return name

    def files(self, branch="main"):
        return self.commits[self.branches[branch]]


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = self.path.partition("?")[0]
        if found := re.fullmatch(rf"/api/datasets/{REPOSITORY}(?:/revision/(.+))?", path):
            sha = self.resolve(found[1] or "main")
            return self.json({"id": REPOSITORY, "sha": sha, "private": False, "downloads": 0,
                              "likes": 0, "tags": [], "gated": False, "disabled": False}) \
                if sha else self.error(404, "RevisionNotFound")  # fmt: skip
        if found := re.fullmatch(rf"/api/datasets/{REPOSITORY}/tree/([^/]+)", path):
            files = self.server.commits[self.resolve(found[1])]
            return self.json([
                {"type": "file", "path": path, "size": len(data),
                 "oid": hashlib.sha1(data).hexdigest()} | self.stored(data)
                for path, data in files.items()
            ])  # fmt: skip
        if found := re.fullmatch(rf"/datasets/{REPOSITORY}/resolve/([^/]+)/(.+)", path):
            sha = self.resolve(found[1])
            data = self.server.commits[sha][found[2]]
            oid = hashlib.sha256(data).hexdigest()
            self.server.downloads.append(found[2])
            if oid not in self.server.large:
                tag = f'"{hashlib.sha1(data).hexdigest()}"'
                return self.reply(200, data, {"ETag": tag, "X-Repo-Commit": sha})
            # Another host, as it usually is.
            elsewhere = self.server.url.replace("127.0.0.1", "localhost")
            return self.reply(302, b"", {
                "Location": f"{elsewhere}/large/{oid}", "X-Repo-Commit": sha,
                "X-Linked-ETag": f'"{oid}"', "X-Linked-Size": str(len(data)),
            })  # fmt: skip
        if found := re.fullmatch(r"/large/([0-9a-f]{64})", path):
            return self.reply(200, self.server.large[found[1]])
        return self.error(404, "RepoNotFound")

    do_HEAD = do_GET

    def do_PUT(self):
        data = self.body()
        oid = hashlib.sha256(data).hexdigest()
        assert self.path == f"/upload/{oid}"
        self.server.large[oid] = data
        self.reply(200, b"")

    def do_POST(self):
        path, _, query = self.path.partition("?")
        data = self.body()
        if path == "/api/validate-yaml":
            return self.json({"errors": [], "warnings": []})
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.error(401, "")
        if path.startswith(f"/api/datasets/{REPOSITORY}/preupload/"):
            return self.json({"files": [
                {"path": f["path"], "shouldIgnore": False,
                 "uploadMode": "lfs" if f["path"].endswith(self.server.by_lfs) else "regular"}
                for f in json.loads(data)["files"]
            ]})  # fmt: skip
        if path == f"/datasets/{REPOSITORY}.git/info/lfs/objects/batch":
            return self.json({"transfer": "basic", "objects": [
                o | {"actions": {"upload": {"href": f"{self.server.url}/upload/{o['oid']}"}}}
                for o in json.loads(data)["objects"]
            ]})  # fmt: skip
        branch = path.removeprefix(f"/api/datasets/{REPOSITORY}/commit/")
        return self.committed(branch, data, proposal="create_pr=1" in query)

    def committed(self, branch, data, *, proposal):
        with self.server.lock:
            header, *lines = [json.loads(line) for line in data.splitlines()]
            tip = self.server.branches[branch]
            if not proposal and header["value"].get("parentCommit") != tip:
                return self.error(412, "", "A commit has happened since.")
            files = dict(self.server.commits[header["value"]["parentCommit"]])
            for line in lines:
                value = line["value"]
                if line["key"] == "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                else:
                    assert line["key"] == "lfsFile"
                    files[value["path"]] = self.server.large[value["oid"]]
            sha = self.server.commit(tip, files)
            branch = f"refs/pr/{len(self.server.branches)}" if proposal else branch
            self.server.branches[branch] = sha
            self.server.calls.append(header["value"]["summary"])
        url = f"{self.server.url}/datasets/{REPOSITORY}"
        number = branch.rpartition("/")[2]
        return self.json({
            "commitUrl": f"{url}/commit/{sha}", "commitOid": sha,
            "pullRequestUrl": f"{url}/discussions/{number}" if proposal else None,
        })  # fmt: skip

    def stored(self, data):
        oid = hashlib.sha256(data).hexdigest()
        lfs = {"oid": oid, "size": len(data), "pointerSize": 130}
        return {"lfs": lfs} if oid in self.server.large else {}

    def resolve(self, revision):
        known = revision if revision in self.server.commits else None
        return known or self.server.branches.get(revision)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def json(self, value):
        self.reply(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def error(self, status, code, message="refused"):
        self.reply(status, b"", {"X-Error-Code": code, "X-Error-Message": message})

    def reply(self, status, data, headers=None):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(data))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


@pytest.fixture
def server(monkeypatch):
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()


@pytest.fixture
def make_board(tmp_path, make_record):
    def make(seed):
        board = write_records(tmp_path / f"board-{seed}", make_record(seed=seed), evidence=True)
        (board / "README.md").write_text("A board.")
        return board

    return make


def downloaded(server, folder, branch="main"):
    for path, data in server.files(branch).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder


def seeds(board):
    return sorted(record.spec.seed for record in load_board(board))


def test_a_board_becomes_a_pull_request_and_main_stays(server, make_board, tmp_path):
    done = publish(make_board(0), f"hf:{REPOSITORY}", endpoint=server.url)
    assert done.where == f"{server.url}/datasets/{REPOSITORY}/discussions/1"
    assert list(server.files("main")) == [".gitattributes"]
    proposed = downloaded(server, tmp_path / "there", "refs/pr/1")
    assert seeds(proposed) == [0]
    assert validate(proposed) == []


def test_two_boards_on_a_branch_are_one_valid_board_with_their_evidence(
    server, make_board, tmp_path
):
    for seed in (0, 1):
        publish(make_board(seed), f"hf:{REPOSITORY}", branch="main", endpoint=server.url)
    there = downloaded(server, tmp_path / "there")
    assert seeds(there) == [0, 1]
    assert validate(there) == []
    assert sum(path.startswith("evidence/") for path in server.files()) == 8
    again = publish(tmp_path / "board-1", f"hf:{REPOSITORY}", branch="main", endpoint=server.url)
    assert again.where is None
    assert len(server.calls) == 2


def test_whoever_comes_second_merges_again(server, make_board, tmp_path, monkeypatch):
    put, calls = Hub.put, []
    mine, yours = make_board(0), make_board(1)
    target = {"branch": "main", "endpoint": server.url}

    def late(self, *arguments):
        calls.append(1)
        if len(calls) == 1:  # after our fetch and before our commit, someone else publishes
            publish(yours, f"hf:{REPOSITORY}", **target)
        return put(self, *arguments)

    monkeypatch.setattr(Hub, "put", late)
    publish(mine, f"hf:{REPOSITORY}", **target)
    assert len(calls) == 3
    assert seeds(downloaded(server, tmp_path / "there")) == [0, 1]


def test_publishers_at_once_lose_no_record(server, make_board, tmp_path):
    def publish_one(board):
        return publish(board, f"hf:{REPOSITORY}", branch="main", endpoint=server.url)

    boards = [make_board(seed) for seed in range(4)]
    with ThreadPoolExecutor(len(boards)) as pool:
        done = list(pool.map(publish_one, boards))
    assert all(each.where for each in done)
    assert seeds(downloaded(server, tmp_path / "there")) == [0, 1, 2, 3]


def test_a_dry_run_commits_nothing(server, make_board):
    done = publish(make_board(0), f"hf:{REPOSITORY}", endpoint=server.url, dry_run=True)
    assert "leaderboard.json" in done.added
    assert "a new pull request" in done.place
    assert server.calls == []
    assert server.large == {}


def test_only_files_of_a_board_are_fetched(server, make_board):
    for name in ("records/../../escaped.json", "pytorch_model.bin", "records/notes.txt"):
        server.files()[name] = b"\x80"
    for seed in (0, 1):
        publish(make_board(seed), f"hf:{REPOSITORY}", branch="main", endpoint=server.url)
    assert server.files()["pytorch_model.bin"] == b"\x80"
    assert {path.partition("/")[0] for path in server.downloads} == {
        "records", "schema", "leaderboard.json", "README.md"
    }  # fmt: skip
    assert not [path for path in server.downloads if path.endswith(("notes.txt", "escaped.json"))]


def test_evidence_lies_in_large_file_storage_and_the_hub_vouches_for_it(
    server, make_board, tmp_path
):
    board = make_board(0)
    publish(board, f"hf:{REPOSITORY}", branch="main", endpoint=server.url)
    names = [path for path in server.files() if path.startswith("evidence/")]
    assert len(names) == 4
    assert {Path(name).stem for name in names} == server.large.keys()
    assert all(server.files()[name] == (board / name).read_bytes() for name in names)
    server.downloads.clear()
    assert publish(board, f"hf:{REPOSITORY}", branch="main", endpoint=server.url).where is None
    assert not [path for path in server.downloads if path.startswith("evidence/")]
    other = b"of another name"
    server.large[hashlib.sha256(other).hexdigest()] = other
    for forged in (other, b"not in large file storage"):
        server.files()[names[0]] = forged
        with pytest.raises(BoardError, match="is not what its name says"):
            publish(make_board(len(forged)), f"hf:{REPOSITORY}", endpoint=server.url)


def test_a_board_too_large_for_plain_files_is_read_from_large_file_storage(
    server, make_board, tmp_path
):
    server.by_lfs += (".json",)
    for seed in (0, 1):
        publish(make_board(seed), f"hf:{REPOSITORY}", branch="main", endpoint=server.url)
    there = downloaded(server, tmp_path / "there")
    assert seeds(there) == [0, 1]
    assert validate(there) == []


def test_an_upload_that_breaks_off_leaves_nothing_to_be_seen(server, make_board, monkeypatch):
    before = dict(server.files())

    put = Handler.do_PUT

    def broken(self):
        if not server.large:
            return put(self)
        self.body()
        return self.error(400, "", "no space left")

    monkeypatch.setattr(Handler, "do_PUT", broken)
    with pytest.raises(BoardError) as failed:
        publish(make_board(0), f"hf:{REPOSITORY}", branch="main", endpoint=server.url)
    assert "\n" not in str(failed.value)
    assert server.files() == before
    assert server.calls == []


def test_a_branch_that_is_not_there_is_said(server, make_board):
    with pytest.raises(BoardError, match=r"no branch dev in lab/board.*pull request"):
        publish(make_board(0), f"hf:{REPOSITORY}", branch="dev", endpoint=server.url)


def test_a_password_in_the_endpoint_is_not_printed(server, make_board):
    board = str(make_board(0))
    secret = server.url.replace("http://", "http://me:secret@")
    for endpoint in (secret, "http://me:secret@127.0.0.1:1"):
        try:
            said = publish(Path(board), f"hf:{REPOSITORY}", endpoint=endpoint, dry_run=True).place
        except BoardError as error:
            said = str(error)
        assert "127.0.0.1" in said
        assert "secret" not in said


def test_without_a_token_the_refusal_says_what_to_do(server, make_board, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "another")
    with pytest.raises(BoardError, match="hf auth login"):
        publish(make_board(0), f"hf:{REPOSITORY}", endpoint=server.url)
    assert server.calls == []


def test_no_repository_says_how_to_make_one(server, make_board):
    with pytest.raises(BoardError, match="hf repo create") as failed:
        publish(make_board(0), "hf:lab/none", endpoint=server.url)
    assert "\n" not in str(failed.value)


def test_no_hub_is_one_sentence(server, make_board):
    board = make_board(0)
    server.server_close()
    server.shutdown()
    with pytest.raises(BoardError, match="--endpoint"):
        publish(board, f"hf:{REPOSITORY}", endpoint=server.url)
