"""Jobs: work in the background, kept in the database until it is done, carried to workers by Redis."""
