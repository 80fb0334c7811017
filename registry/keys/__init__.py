"""The keys of trusts: opened for one piece of work, made, rotated and destroyed.

Which version of a key is in use stands in the database, so that a process that has run for long learns of another with its next
transaction; the key itself it then reads from its file.
"""

from registry.keys.opened import Ring, TenantKeys, make_data_key, open_keys, person_keys, ring_of, unwrapped

__all__ = ["Ring", "TenantKeys", "make_data_key", "open_keys", "person_keys", "ring_of", "unwrapped"]
