"""The README's tutorial and the guides do what they say, exactly as written."""

import shutil

import pytest
from tests.docs.pages import ROOT, Reader, blocks, section

GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
TUTORIAL = "## Ten minutes to your own system"


@pytest.fixture
def reader(tmp_path):
    # As in a clone: the examples lie beside the new suite.
    shutil.copytree(ROOT / "examples" / "parcels", tmp_path / "examples" / "parcels")
    return Reader(tmp_path)


@pytest.mark.timeout(300)
def test_the_tutorial_works_as_written(reader):
    page = (ROOT / "README.md").read_text("utf-8")
    assert reader.follow(section(page, TUTORIAL)) >= 5


@pytest.mark.timeout(300)
@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_a_guide_works_as_written(guide, reader):
    text = guide.read_text("utf-8")
    assert any(block.language == "console" for block in blocks(text)), "a guide that runs nothing"
    reader.follow(text)
