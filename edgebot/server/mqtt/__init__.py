"""MQTT: the assistant as a device of Home Assistant, and the devices that others announce."""
