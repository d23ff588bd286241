"""The doors that a browser or a program comes in by: REST routes, named Gradio endpoints, and the page."""
