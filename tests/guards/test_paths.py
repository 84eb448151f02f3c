import os

import pytest

from avow.config import GuardSettings
from avow.core.errors import GuardRefusal, SuiteError
from avow.guards import Guards


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "suite"
    (root / "data").mkdir(parents=True)
    (root / "data" / "order.json").write_text("{}")
    (tmp_path / "secret.txt").write_text("s")
    return root


@pytest.fixture
def guards(root):
    return Guards(GuardSettings(), root)


def test_a_path_under_the_root_is_returned_in_full(guards, root):
    assert guards.path("data/order.json") == root / "data" / "order.json"
    assert guards.path("data/../data/order.json") == root / "data" / "order.json"
    assert guards.path(str(root / "data")) == root / "data"
    assert guards.path("new/file.txt") == root / "new" / "file.txt"


@pytest.mark.parametrize("text", ["../secret.txt", "/etc/passwd", "data/../../secret.txt",
                                  "/proc/self/environ", "/dev/zero"])  # fmt: skip
def test_a_path_outside_is_refused(guards, text):
    with pytest.raises(GuardRefusal, match="lies outside of the suite"):
        guards.path(text)


def test_a_link_that_leads_out_is_refused(guards, root):
    (root / "link").symlink_to(root.parent / "secret.txt")
    (root / "up").symlink_to(root.parent)
    (root / "inside").symlink_to(root / "data")
    with pytest.raises(GuardRefusal) as refusal:
        guards.path("link", where="features/a.feature:3")
    assert str(refusal.value) == (
        f'features/a.feature:3: "link" lies outside of the suite '
        f"({root.parent / 'secret.txt'}, where a link leads)\n"
        f"  Copy it to somewhere under {root}."
    )
    with pytest.raises(GuardRefusal):
        guards.path("up/secret.txt")
    assert guards.path("inside/order.json") == root / "data" / "order.json"


def test_a_link_to_itself_is_refused(guards, root):
    (root / "loop").symlink_to(root / "loop")
    with pytest.raises(GuardRefusal, match='"loop" cannot be followed: '):
        guards.path("loop", exists=True)


def test_a_pipe_is_refused_and_never_blocks(guards, root):
    os.mkfifo(root / "pipe")
    with pytest.raises(GuardRefusal, match="neither a file nor a directory"):
        guards.path("pipe")


@pytest.mark.parametrize("text", ["", "a\0b"])
def test_what_is_not_a_path_is_refused(guards, text):
    with pytest.raises(GuardRefusal, match="is not a path"):
        guards.path(text)


def test_a_missing_file_offers_the_nearest(guards, root):
    with pytest.raises(SuiteError) as error:
        guards.path("data/ordr.json", exists=True)
    assert str(error.value) == (
        'there is no file "data/ordr.json"\n  Did you mean "order.json"? There: order.json.'
    )
    with pytest.raises(SuiteError, match="Paths are relative to"):
        guards.path("nowhere/x.json", exists=True)


def test_a_very_long_path_does_not_raise_anything_else(guards):
    with pytest.raises(GuardRefusal, match="cannot be followed: File name too long"):
        guards.path("a" * 5000, exists=True)
