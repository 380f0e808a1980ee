// What can go wrong with a link, each with its one sentence. Nothing else is ever shown for an error.

export const SENTENCES = {
  "no-link": "This address is not a link. Ask for the whole link again.",
  "lost-key": "The link has lost the part after #, which holds its key. Open the whole link again.",
  cut: "The link is cut or changed. Copy it again, whole.",
  newer: "This was made by a newer version of mega than this page can read. Use mega get.",
  password: "The password is wrong, or the link is.",
  revoked: "This link has been revoked, or what it named is gone.",
  expired: "This link has expired.",
  session: "This page was open for too long. Open the link again.",
  limit: "This link has been opened as often as it may be.",
  busy: "Too many tries. Wait a minute, then try again.",
  tampered: "What the server sent is not what was shared: it was damaged or changed, so nothing of it was saved.",
  untrusted: "This link shows something that its maker did not sign. Do not trust this server.",
  unreachable: "The server cannot be reached. Try again in a moment.",
  "too-large": "This browser cannot save a file of this size from here. Use mega get.",
};

/** An error whose `kind` is a key of SENTENCES. */
export class Refusal extends Error {
  constructor(kind) {
    super(SENTENCES[kind]);
    this.kind = kind;
  }
}

/** Refuse what does not verify. */
export function check(condition) {
  if (!condition) throw new Refusal("tampered");
}
