// The server, as a link's reader meets it: one session, and blobs in batches. What it sends is hostile until opened.

import { hex, join, toBase64url, uint32 } from "./bytes.js";
import { Refusal, check } from "./refusal.js";

const BLOB_MOST_BYTES = 5 << 20;
const NOT_SENT = 0xfffffffe;
const MISSING = 0xffffffff;
const TRIES = 4;
const FIRST_WAIT_MS = 500;
const KINDS = { 401: "password", 404: "revoked", 410: "revoked", 429: "busy", 426: "newer" };
const CODES = { link_expired: "expired", link_exhausted: "limit", link_revoked: "revoked" };

/** One opening of a link: the proof, and the token drawn here that stands for it. */
export class LinkServer {
  constructor(base, linkId, auth) {
    this.path = `${base}/v1/links/${hex(linkId)}`;
    this.token = toBase64url(crypto.getRandomValues(new Uint8Array(32)));
    this.proof = `MegaLink ${toBase64url(auth)} ${this.token}`;
    this.isOpen = false;
  }

  /** Open the session, which the server counts once, or renew it; give the link's sealed record. */
  async open() {
    const answer = await this.ask(`${this.path}/session`, { method: "POST", headers: { Authorization: this.proof } });
    const { record } = await answer.json();
    this.isOpen = true;
    return Uint8Array.from(atob(record), (letter) => letter.charCodeAt(0));
  }

  /** Yield the blobs of `ids`, in order, asking again for what was not sent. */
  async *blobs(ids, signal) {
    let done = 0;
    while (done < ids.length) {
      const body = join(...ids.slice(done));
      const headers = { Authorization: `Bearer ${this.token}`, "Content-Type": "application/octet-stream" };
      const answer = await this.ask(`${this.path}/blobs`, { method: "POST", headers, body, signal });
      const before = done;
      for await (const blob of frames(answer.body)) {
        check(done < ids.length);
        done += 1;
        yield blob;
      }
      if (done === before) throw new Refusal("unreachable");
    }
  }

  /** Send a request, and again after what may pass. */
  async ask(url, request) {
    for (let tries = 1; ; tries++) {
      let answer = null;
      try {
        answer = await fetch(url, { ...request, cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer" });
      } catch (error) {
        if (error.name === "AbortError") throw error;
      }
      if (answer?.ok) return answer;
      if (answer !== null && answer.status < 500) throw new Refusal(await kindOf(answer, this.isOpen));
      if (tries === TRIES) throw new Refusal("unreachable");
      await new Promise((resolve) => setTimeout(resolve, FIRST_WAIT_MS * 2 ** tries * Math.random()));
    }
  }
}

async function kindOf(answer, hasSession) {
  if (answer.status === 401 && hasSession) return "session";
  const told = await answer.json().catch(() => null);
  return CODES[told?.error?.code] ?? KINDS[answer.status] ?? "unreachable";
}

/** Cut an answer into blobs: `len4 ‖ bytes`, up to the end mark; what was not sent is asked for again. */
async function* frames(stream) {
  const source = new Pieces(stream.getReader());
  let isWhole = false;
  try {
    for (let isCut = false; ; ) {
      const length = uint32(await source.read(4), 0);
      if (length === 0) break;
      isCut ||= length === NOT_SENT;
      if (isCut) {
        check(length === NOT_SENT);
        continue;
      }
      check(length !== MISSING && length <= BLOB_MOST_BYTES);
      yield await source.read(length);
    }
    await source.end();
    isWhole = true;
  } finally {
    if (!isWhole) await source.reader.cancel().catch(() => {});
  }
}

/** Exact reads from a stream. */
class Pieces {
  constructor(reader) {
    this.reader = reader;
    this.held = new Uint8Array(0);
  }

  /** Check that nothing follows. */
  async end() {
    check(this.held.length === 0 && (await this.reader.read()).done);
  }

  /** Read exactly so many bytes into an array of their own. */
  async read(count) {
    const whole = new Uint8Array(count);
    let at = 0;
    while (at < count) {
      if (this.held.length === 0) {
        const { done, value } = await this.reader.read().catch(() => ({ done: true }));
        if (done) throw new Refusal("unreachable");
        this.held = value;
      }
      const part = this.held.subarray(0, count - at);
      whole.set(part, at);
      at += part.length;
      this.held = this.held.subarray(part.length);
    }
    return whole;
  }
}
