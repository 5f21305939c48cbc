"""What every request passes: the sockets, the front door, the cache of finished answers, figures."""
