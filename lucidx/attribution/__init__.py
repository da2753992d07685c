"""Attribution: which of a network's hidden units, places or groups made a decision."""
