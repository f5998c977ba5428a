"""How wrong the device's whole path is, beside what costs nothing: the population's mean and the skin's own curve."""
