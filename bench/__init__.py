"""`make bench`: what Slotlink costs, each figure beside its reference in the same run.

Times of a shared machine mean little; ratios of neighbours in interleaved rounds do. Nothing here fails for being slow.
"""
