"""The keys of one trust, opened for one piece of work: by this name to those who send and to the desk."""

from registry.keys import Ring, TenantKeys, make_data_key, open_keys, person_keys, ring_of, unwrapped

__all__ = ["Ring", "TenantKeys", "make_data_key", "open_keys", "person_keys", "ring_of", "unwrapped"]
