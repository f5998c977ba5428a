"""The kiosk's own screen: a page on loopback that says what to do and shows what was found; all of it is local."""
