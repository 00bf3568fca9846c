"""The web edge: Flask application, API, pages, command line."""
