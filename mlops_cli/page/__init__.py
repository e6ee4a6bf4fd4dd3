"""Pages of HTML that need nothing else, drawings in SVG, and Markdown; of plain values alone."""
