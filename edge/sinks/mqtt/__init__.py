"""MQTT 5: what a device says and hears on a broker, and the queue on disk that makes sure it is said."""
