"""The client's side of the wire contract: operations without a socket, the retry policy, the transport, the client."""
