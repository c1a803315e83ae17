"""Files on records: bytes in a folder or on S3, rows in the database, rights those of the record they hang on."""
