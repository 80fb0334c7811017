"""Open data: the files of each release at addresses that stay, with licence, description and list of changes."""
