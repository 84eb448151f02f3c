"""The one typed seam to behave: phrases, their parameters and guards, what stands under a step.

from avow.gherkin import Table, then

@then("the order {string} is {word}")
def order_is(world: World, number: str, state: str) -> None: ...
"""

from avow.gherkin.behaving import install
from avow.gherkin.blocks import Block, Document, Row, Table
from avow.gherkin.parameters import parameter_type
from avow.gherkin.phrases import Phrase, given, step, then, when

__all__ = [
    "Block",
    "Document",
    "Phrase",
    "Row",
    "Table",
    "given",
    "install",
    "parameter_type",
    "step",
    "then",
    "when",
]
