"""/report/…: reports of the public (公众上报), as pages for any browser and as JSON for apps."""
