"""The parts of the phantom's lateral radiograph: anatomy as closed solids, their chord lengths, and the detector."""
