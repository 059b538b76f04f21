"""`manage.py up`: every process of Kairos on one machine, started, watched and stopped together."""
