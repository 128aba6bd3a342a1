"""Devices, clock and sessions: everything between the hardware and one recorded file."""
