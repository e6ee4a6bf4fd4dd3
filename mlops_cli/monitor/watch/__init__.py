"""`mlo monitor`: rules on what is live, checked again and again; who is told, and what is done."""
