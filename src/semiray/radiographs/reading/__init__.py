"""What lies on disk, as records: layouts, tables, shards."""
