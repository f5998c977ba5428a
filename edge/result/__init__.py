"""What a scan leaves behind: ``result.json`` with its schema, and the folder that appears whole or not at all."""
