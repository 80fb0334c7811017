"""Disclosure control: the fixed publication grid, the rounding of its cells, and what may be made of rounded cells."""
