"""The other end of the broker: takes reports off it and writes the same folders as the device."""
