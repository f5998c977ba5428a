"""The queue of reports that still have to be delivered: SQLite on disk, so that it outlives any power cut."""
