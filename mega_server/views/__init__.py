"""Flask views: parse, call one service, answer. No rule and no SQL."""
