// The server, as a link's reader meets it: one session, and blobs in batches. What it sends is hostile until opened.
// What was cut is asked for again, from where it was cut; a session that has ended is opened again, as the same opening.

import { hex, join, toBase64url, uint32 } from "./bytes.js";
import { Refusal, check } from "./refusal.js";

const BLOB_MOST_BYTES = 5 << 20;
const NOT_SENT = 0xfffffffe;
const MISSING = 0xffffffff;
const OPEN_TRIES = 4;
const BLOBS_TRIES = 9; // half a minute without a byte: a phone changes its network in less
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 8_000;
const KINDS = { 401: "password", 404: "unknown", 410: "revoked", 429: "busy", 426: "newer" };
const CODES = { link_expired: "expired", link_exhausted: "limit", link_revoked: "revoked" };

/** A connection that broke, or a server that cannot answer now: it may pass. */
class Cut extends Error {}

/** One opening of a link: the proof, and the token of 32 random bytes that stands for it. */
export class LinkServer {
  constructor(base, linkId, auth, token, onWait = () => {}) {
    this.path = `${base}/v1/links/${hex(linkId)}`;
    this.token = toBase64url(token);
    this.proof = `MegaLink ${toBase64url(auth)} ${this.token}`;
    this.onWait = onWait;
  }

  /** Open the session, which the server counts once, or renew it; give the link's sealed record. */
  async open() {
    for (let tries = 1; ; tries++) {
      try {
        const answer = await ask(`${this.path}/session`, { headers: { Authorization: this.proof } });
        const told = await answer.json().catch(() => check(false));
        return decoded(told?.record);
      } catch (error) {
        await this.rest(error, tries, OPEN_TRIES);
      }
    }
  }

  /** Yield the blobs of `ids`, in order, asking again for what did not come. Each is gone when the next is asked for. */
  async *blobs(ids, signal) {
    let done = 0;
    for (let tries = 1; done < ids.length; tries++) {
      try {
        const answer = await this.request(ids.slice(done), signal);
        for await (const blob of frames(answer.body)) {
          check(done < ids.length);
          done += 1;
          tries = 0;
          this.onWait(false);
          yield blob;
        }
        if (tries > 0) throw new Cut();
      } catch (error) {
        await this.rest(error, tries, BLOBS_TRIES);
      }
    }
  }

  /** Ask for blobs; once again in a new session, when the old one has ended. */
  async request(ids, signal) {
    const headers = { Authorization: `Bearer ${this.token}`, "Content-Type": "application/octet-stream" };
    const request = { headers, body: join(...ids), signal };
    try {
      return await ask(`${this.path}/blobs`, request);
    } catch (error) {
      if (error.kind !== "password") throw error;
      await this.open();
      return ask(`${this.path}/blobs`, request);
    }
  }

  /** Wait before what was cut is tried again; refuse after so many tries, and pass on every other error. */
  async rest(error, tries, most) {
    if (!(error instanceof Cut)) throw error;
    if (tries >= most) throw new Refusal("unreachable");
    this.onWait(true);
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** tries);
    await new Promise((resolve) => setTimeout(resolve, wait * (0.5 + Math.random() / 2)));
  }
}

async function ask(url, request) {
  const rules = { method: "POST", cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer" };
  let answer = null;
  try {
    answer = await fetch(url, { ...rules, ...request });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Cut();
  }
  if (answer.ok) return answer;
  if (answer.status >= 500) throw new Cut();
  const told = await answer.json().catch(() => null);
  throw new Refusal(CODES[told?.error?.code] ?? KINDS[answer.status] ?? "unreachable");
}

function decoded(text) {
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    return check(false);
  }
}

/** Cut an answer into blobs: `len4 ‖ bytes`, up to the end mark. Raises Cut when it ends before. */
async function* frames(stream) {
  const source = new Pieces(stream);
  let isWhole = false;
  try {
    for (let isShort = false; ; ) {
      const length = uint32(await source.read(4), 0);
      if (length === 0) break;
      isShort ||= length === NOT_SENT;
      if (isShort) {
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

/**
 * Exact reads from a stream, into one buffer that is used again: a fast download would fill the memory with arrays that
 * the collector has not come for.
 */
class Pieces {
  constructor(stream) {
    this.buffer = new ArrayBuffer(BLOB_MOST_BYTES);
    try {
      this.reader = stream.getReader({ mode: "byob" });
    } catch {
      this.reader = new Copier(stream.getReader()); // older browsers read into arrays of their own
    }
  }

  /** Check that nothing follows. */
  async end() {
    check((await this.reader.read(new Uint8Array(1))).done);
  }

  /** Read exactly so many bytes; the next read takes their place. */
  async read(count) {
    for (let at = 0; at < count; ) {
      const wanted = new Uint8Array(this.buffer, at, count - at);
      const { done, value } = await this.reader.read(wanted).catch(() => ({ done: true }));
      if (done) throw new Cut();
      this.buffer = value.buffer;
      at += value.length;
    }
    return new Uint8Array(this.buffer, 0, count);
  }
}

/** A reader that fills what it is given, over one that does not. */
class Copier {
  constructor(reader) {
    this.reader = reader;
    this.held = new Uint8Array(0);
  }

  async read(wanted) {
    if (this.held.length === 0) {
      const { done, value } = await this.reader.read();
      if (done) return { done };
      this.held = value;
    }
    const part = this.held.subarray(0, wanted.length);
    wanted.set(part);
    this.held = this.held.subarray(part.length);
    return { done: false, value: wanted.subarray(0, part.length) };
  }

  cancel() {
    return this.reader.cancel();
  }
}
