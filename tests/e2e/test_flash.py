"""`edgebot flash` into a real sshd: the real edgebot, real models, no network but its own.

The releases are broken in the ways a release can be broken, and after each the old one answers a
spoken question. What need not hear is in ``tests/unit/deploy_flash``.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edgebot.cli.main import cli
from edgebot.core.errors import EdgebotError
from edgebot.deploy.board.health import usual
from edgebot.deploy.board.layout import Layout, read_json
from edgebot.deploy.bundle_file import BundleReader
from edgebot.models.signatures import SigningKey, make_pair
from tests.e2e.flash_target import CREATED, PATIENCE_S, Target, Workshop, target, wait_for

pytestmark = pytest.mark.engines

ANSWER = "One kilogram is about 35.27 ounces."


class Maker:
    """Keys, and bundles by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        make_pair(folder / "maker.key", folder / "maker.pub", "maker", None)
        self.key = SigningKey.read(folder / "maker.key")
        self.shop = Workshop(folder / "shop")


@pytest.fixture(scope="module")
def maker(tmp_path_factory: pytest.TempPathFactory) -> Maker:
    return Maker(tmp_path_factory.mktemp("maker"))


class Forger(SigningKey):
    """Signs something else than what it is given."""

    def __init__(self, key: SigningKey) -> None:
        super().__init__(key._private)

    def sign(self, content: bytes) -> bytes:
        return super().sign(content.replace(b'"executable": true', b'"executable": false'))


class Flashed:
    """The board, and `edgebot flash` as it is called."""

    def __init__(self, board: Target, maker: Maker) -> None:
        self.board, self.maker = board, maker
        self.layout = Layout(board.root)

    def call(self, *words: str | Path, code: int = 0, host: str = "board") -> dict[str, Any]:
        """Its JSON, or its one sentence as ``sentence``."""
        place = ["--root", str(self.board.root), "--ssh-config", str(self.board.config)]
        out = io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                cli.main(["flash", host, "--json", *place, *map(str, words)], standalone_mode=False)
        except EdgebotError as problem:
            assert problem.exit_code == code, problem
            return {"sentence": str(problem)}
        assert code == 0, out.getvalue()
        answer: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
        return answer

    def popen(self, *words: str) -> subprocess.Popen[bytes]:
        """The same, to be killed."""
        return subprocess.Popen(
            [sys.executable, "-m", "edgebot.cli", "flash", "board", "--root",
             str(self.board.root), "--ssh-config", str(self.board.config), *words],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def state(self) -> dict[str, Any]:
        return read_json(self.layout.state)

    def answers(self) -> str:
        """What the installed service says to the spoken question, and which release says it."""
        script = (
            "import json, sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); "
            "from edgebot_board.health import _ask, usual; "
            "from edgebot_board.layout import Layout; "
            "print(json.dumps(_ask(Layout(Path(sys.argv[2])), usual())))"
        )
        found: list[Any] = []

        def asked() -> bool:
            done = subprocess.run(
                [sys.executable, "-c", script, self.layout.program, self.board.root],
                capture_output=True, text=True, timeout=PATIENCE_S, check=False,
            )  # fmt: skip
            found[:] = json.loads(done.stdout) if done.returncode == 0 else []
            return bool(found)

        wait_for(asked)
        answer, release = found
        assert usual().accepts(answer["reply"]), answer  # its words vary, the figure does not
        return str(release)


@pytest.fixture(scope="module")
def flashed(tmp_path_factory: pytest.TempPathFactory, maker: Maker) -> Iterator[Flashed]:
    """A board with the first release on it: the cold flash."""
    if not (shutil.which("sshd") or Path("/usr/sbin/sshd").exists()):
        pytest.skip("no sshd here; `make setup-dev` installs openssh-server")
    with target(tmp_path_factory.mktemp("board")) as board:
        one = Flashed(board, maker)
        first = maker.shop.bundle("first", maker.key)
        state = one.call("--bundle", first, "--trust", maker.folder / "maker.pub")
        assert state["outcome"] == "ok" and state["reply"] == ANSWER
        assert state["bytes_sent"] > 100_000_000
        yield one


@pytest.fixture
def old(flashed: Flashed) -> Iterator[str]:
    """The release in force; it answers before and after."""
    release = flashed.board.current
    assert release is not None
    yield release
    assert flashed.board.current == release
    assert flashed.answers() == release


def test_the_board_is_cut_off(flashed: Flashed) -> None:
    if not flashed.board.cut_off:
        pytest.skip("only root may cut a network off")
    script = "import socket; print([name for _, name in socket.if_nameindex()])"
    seen = subprocess.run(
        [*flashed.board.inside, sys.executable, "-c", script], capture_output=True, text=True
    )
    assert seen.stdout.strip() == "['lo']"


def test_what_is_refused_before_anything_is_sent(flashed: Flashed, old: str) -> None:
    maker, board = flashed.maker, flashed.board
    bundle = partial(maker.shop.bundle, key=maker.key, created=CREATED + 10)
    other = "aarch64" if os.uname().machine == "x86_64" else "x86_64"
    thief = SigningKey(Ed25519PrivateKey.generate())
    for file, words, code in (
        (bundle("other-arch", arch=other), f"is for {other}", 1),
        (bundle("other-board", profile="rpi5"), "for another board", 2),
        (bundle("future", created=2_500_000_000), "clock", 1),
        (bundle("older", created=CREATED - 10), "older than what this board has had", 1),
        (bundle("packages", system=("libnosuchthing7",)), "apt-get install libnosuchthing7", 1),
        (bundle("stolen", key=thief), "does not trust", 1),
    ):
        assert words in flashed.call("--bundle", file, code=code)["sentence"]
    ended = board.folder / "ended.key"
    make_pair(ended, ended.with_suffix(".pub"), "", 1_700_000_000)
    late = bundle("late", key=SigningKey.read(ended))
    said = flashed.call("--bundle", late, "--trust", ended.with_suffix(".pub"), code=1)
    assert "out of date since 2023-11-14" in said["sentence"]
    forged = bundle("forged", key=Forger(maker.key))
    assert "was changed after signing" in flashed.call("--bundle", forged, code=1)["sentence"]
    strange = board.folder / "nobody_known"
    strange.write_text("")
    board.write_config(known_hosts=strange)
    assert "host key of board is not known" in flashed.call("--status", code=1)["sentence"]
    board.write_config(IdentityFile="/dev/null")
    (board.folder / "user_key").rename(board.folder / "hidden")
    assert "lets none of your keys in" in flashed.call("--status", code=1)["sentence"]
    (board.folder / "hidden").rename(board.folder / "user_key")
    board.write_config()
    assert "is no host" in flashed.call("--status", code=2, host="pi@board;reboot")["sentence"]


def test_an_object_that_was_changed_is_refused_by_the_board(flashed: Flashed, old: str) -> None:
    text = "X = 'as it was signed'\n"
    file = flashed.maker.shop.bundle(
        "spoilt", flashed.maker.key, {"site/edgebot/spoilt.py": text}, created=CREATED + 15
    )
    content = file.read_bytes()
    assert content.count(text.encode()) == 1
    file.write_bytes(content.replace(text.encode(), text.replace("signed", "sighed").encode()))
    sentence = flashed.call("--bundle", file, code=1)["sentence"]
    assert "site/edgebot/spoilt.py is not what the manifest promises" in sentence


def test_a_dry_run_sends_nothing(flashed: Flashed, old: str) -> None:
    file = flashed.maker.shop.bundle(
        "dry", flashed.maker.key, {"site/edgebot/dry.py": "X = 1\n"}, created=CREATED + 10
    )
    state = flashed.call("--bundle", file, "--dry-run")
    assert "1 files (6 B) would be sent" in state["message"]
    with BundleReader(file) as bundle:
        assert not flashed.layout.manifest(bundle.manifest.release).exists()


def test_a_new_release_that_answers_wrongly_or_crashes_goes_back(
    flashed: Flashed, old: str
) -> None:
    # Right in the self-test, which is `edgebot turn`; wrong through the installed service.
    wrong = (Path("edgebot/server/control/spoken.py").read_text()).replace(
        '"reply": answer.reply', '"reply": "I have no idea."'
    )
    crash = 'import sys\nsys.exit("the engine room is on fire")\n'
    for name, changed, why in (
        ("wrong", {"site/edgebot/server/control/spoken.py": wrong}, "I have no idea."),
        ("crash", {"site/edgebot/cli/run.py": crash}, "the engine room is on fire"),
    ):
        file = flashed.maker.shop.bundle(name, flashed.maker.key, changed, created=CREATED + 20)
        sentence = flashed.call("--bundle", file, code=1)["sentence"]
        assert f"went back to release {old}" in sentence and why in sentence


def test_an_update_of_the_code_sends_little_and_rolls_back(flashed: Flashed) -> None:
    maker, before = flashed.maker, flashed.board.current
    file = maker.shop.bundle(
        "second", maker.key, {"site/edgebot/second.py": "X = 2\n"}, created=CREATED + 40
    )
    state = flashed.call("--bundle", file)
    assert state["outcome"] == "ok" and state["bytes_sent"] < 5_000_000
    after = flashed.board.current
    assert flashed.answers() == after != before
    again = flashed.call("--bundle", file)
    assert "in force already" in again["message"]
    with flashed.popen("--rollback") as client:  # the board goes on when nobody is connected
        wait_for(lambda: flashed.state().get("step") in ("stop", "migrate", "start", "prove"))
        client.kill()
    wait_for(lambda: flashed.state()["outcome"] != "running")
    assert flashed.state()["outcome"] == "ok"
    assert flashed.call("--status")["current"] == before
    assert flashed.answers() == before
    listed = flashed.call("--list")["releases"]
    assert {one["release"] for one in listed} == {before, after}


def test_a_board_pulls_a_newer_release_and_no_older_one(flashed: Flashed, tmp_path: Path) -> None:
    maker = flashed.maker
    file = maker.shop.bundle(
        "pulled", maker.key, {"site/edgebot/pulled.py": "X = 3\n"}, created=CREATED + 50
    )
    older = maker.shop.bundle("stale", maker.key, created=CREATED + 45)
    inside = flashed.board.inside
    flashed.board.inside = []  # the file server is on this side of the cut
    try:
        for name, bundle in (("new", file), ("old", older)):
            (tmp_path / name).mkdir()
            subprocess.run(["tar", "-xf", bundle, "-C", tmp_path / name], check=True)
        handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            url = f"http://127.0.0.1:{server.server_port}"
            answer = flashed.board.board("pull", "--url", f"{url}/new")
            assert answer["outcome"] == "ok", answer
            pulled = flashed.board.current
            assert flashed.answers() == pulled
            refused = flashed.board.board("pull", "--url", f"{url}/old")
            assert refused["kind"] == "older"
            assert "404" in flashed.board.board("pull", "--url", f"{url}/nothing")["message"]
            server.shutdown()
        assert flashed.answers() == pulled
    finally:
        flashed.board.inside = inside
