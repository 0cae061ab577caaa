"""The Wyoming protocol: speech services, the hub of other rooms, the satellite of another hub."""
