"""What libraries are given and reach, recorded without a line of the user's own."""
