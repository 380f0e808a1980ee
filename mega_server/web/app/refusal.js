// What can go wrong with a link, each with its one sentence. Nothing else is ever shown for an error.

export const SENTENCES = {
  "no-link": "This address is not a link. Ask for the whole link again.",
  "lost-key": "The link has lost the part after #, which holds its key; loading a page again loses it too. Open the whole link again.",
  cut: "The link is cut or changed. Copy it again, whole.",
  newer: "This was made by a newer version of mega than this page can read. Use mega get.",
  password: "The password is wrong, or the link is.",
  unknown: "The server knows no such link. Check that you opened the right one.",
  revoked: "This link has been revoked, or what it named is gone.",
  expired: "This link has expired.",
  limit: "This link has been opened as often as it may be.",
  busy: "Too many tries. Wait a minute, then try again.",
  tampered: "What the server sent is not what was shared: it was damaged or changed, so nothing of it was saved.",
  untrusted: "This link shows something that its maker did not sign. Do not trust this server.",
  unreachable: "The server cannot be reached. Try again in a moment.",
  "too-large": "This page was not opened over https, so it can save files of up to 256 MiB only, and no folder. Use mega get.",
  "old-browser": "This browser is too old to decrypt a link. Use a newer one, or mega get.",
};

const MAY_PASS = new Set(["busy", "unreachable"]);

/** An error whose `kind` is a key of SENTENCES. */
export class Refusal extends Error {
  constructor(kind) {
    super(SENTENCES[kind]);
    this.kind = kind;
  }

  /** Whether trying again makes sense. */
  get mayPass() {
    return MAY_PASS.has(this.kind);
  }
}

/** Refuse what does not verify. */
export function check(condition) {
  if (!condition) throw new Refusal("tampered");
}
