"""Learning that travels: what a trust offers of its reviews, screened, read by two moderators, published with theme and year only.

Nothing is imported here: `published` and `themes` read the protected store alone, and the public pages need no more.
"""
