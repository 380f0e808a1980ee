"""What the server decides, without Flask: accounts, logins, uploads, downloads, commits, checks."""
