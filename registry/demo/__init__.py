"""The national demonstration: made-up returns of the whole register, sent through the real upload path.

Every number, patient and event is invented by a seeded generator and says nothing about the organisation it stands beside.
NHS numbers are of the range that begins with 999 and is never issued. Nobody's name occurs anywhere.
"""
