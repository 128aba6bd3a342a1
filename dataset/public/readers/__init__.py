"""Public sets, a file each: how a recording of it is found and read, and whose it is.

`dataset.public.sets` imports them; they import the other files of `dataset.public` but those above
it (`sets`, `provenance`, `import_set`).
"""
