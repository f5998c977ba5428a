"""The check-up of a kiosk: a table of small checks, each of which ends in findings of one line."""

from edge.doctor.checks import check_up

__all__ = ["check_up"]
