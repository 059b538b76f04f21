"""A rule document while somebody is writing it: every number still text, every part under the name of its form field.

`draft_of` takes a document apart, `changed` adds and removes parts, `settled` fills in what a choice calls for, `composed`
makes the document again or says which field keeps it from being one. What fields there are is read from the document's
own model (`shapes`), so that there is no second form of a strategy. Pure.
"""

from strategies.drafts.changes import BLANK, changed
from strategies.drafts.reading import draft_of
from strategies.drafts.settling import settled
from strategies.drafts.tree import Tree, grown
from strategies.drafts.writing import Composed, composed

__all__ = ["BLANK", "Composed", "Tree", "changed", "composed", "draft_of", "grown", "settled"]
