"""The digital phantom: seeds in; recordings, radiographs and their truth out. No patient data, no body scans."""
