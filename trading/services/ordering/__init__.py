"""An order's way from the wish to the venue: checked, placed, claimed, sent, changed and called back."""
