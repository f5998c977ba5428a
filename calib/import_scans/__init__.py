"""Bare-back surface scans with radiographic truth (``scan.ply`` + ``spine.json``), turned into recordings.

For evaluation only: what a scanner saw becomes what a D455 would have seen, so that the device's whole path can be run
on real backs whose spines were marked on radiographs.
"""
