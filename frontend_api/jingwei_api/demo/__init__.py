"""The demo (演示) as a frontend sees it: starting it, and one event through its whole life."""
