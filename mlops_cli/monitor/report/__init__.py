"""What the monitor found, as pages of HTML and as Markdown."""
