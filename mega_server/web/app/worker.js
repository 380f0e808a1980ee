// The worker of a link's page: it alone holds keys. Pages ask it by message; bytes leave it by ports that are pulled.

import { linkKeys } from "./crypto.js";
import { savedName } from "./names.js";
import { openLinkRecord, parseLink } from "./formats.js";
import { Reader } from "./reader.js";
import { Refusal } from "./refusal.js";
import { LinkServer } from "./server.js";
import { zip } from "./zip.js";

const PIECE_BYTES = 256 << 10;
const RENEW_MS = 3_600_000;
const DEEPEST = 256;

// One for all tries: an opening whose answer was lost is the same opening when it is sent again.
const token = crypto.getRandomValues(new Uint8Array(32));
let reader = null;
const nodes = [];

const calls = { open, list, stream };

self.onmessage = async ({ data: { call, id, ...asked } }) => {
  try {
    self.postMessage({ id, result: await calls[call](asked) });
  } catch (error) {
    self.postMessage({ id, refused: error instanceof Refusal ? error.kind : "tampered" });
    if (!(error instanceof Refusal)) console.error(error.name);
  }
};

// Loading libsodium takes a moment, and what is said to a worker before it listens is lost.
self.postMessage({ isReady: true });

/** Open the link; give what it names. */
async function open({ base, idText, fragment, password }) {
  const link = parseLink(idText, fragment);
  if (link.hasPassword && password === null) return { needsPassword: true };
  const keys = linkKeys(link.secret, link.linkId, link.hasPassword ? password : null);
  const server = new LinkServer(base, link.linkId, keys.auth, token, (isWaiting) => self.postMessage({ isWaiting }));
  const record = await server.open().catch((error) => {
    // Without a password, what the server does not accept is the link itself.
    throw error.kind === "password" && !link.hasPassword ? new Refusal("cut") : error;
  });
  const { entry, expiresMs } = await openLinkRecord(keys.record, link.linkId, link.pin, record);
  if (expiresMs !== 0 && expiresMs < Date.now()) throw new Refusal("expired");
  reader = new Reader(server);
  setInterval(() => server.open().catch(() => {}), RENEW_MS);
  return { ...described(entry), expiresMs };
}

/** List a folder. */
async function list({ node }) {
  return (await reader.list(nodes[node])).map(described);
}

/**
 * Send bytes through `port`, a piece for each message but "stop"; `start` and `end` are a file's range, a folder gives a
 * zip. A message may bring the memory of an older piece, to be filled again.
 */
async function stream({ node, start, end, port }) {
  const stop = new AbortController();
  const entry = nodes[node];
  let source = null;
  if (entry.kind === "d") source = zip(members(entry, "", stop.signal));
  else if (start === 0 && end === entry.size) source = reader.read(entry, start, end, stop.signal);
  else source = reader.seek(entry, start, end);
  const spares = [];
  const pieces = cut(source, spares);
  port.onmessage = async ({ data }) => {
    if (data.spare) spares.push(data.spare);
    if (data === "stop") {
      stop.abort();
      port.close();
      return;
    }
    try {
      const { done, value } = await pieces.next();
      if (done) port.postMessage({ done: true });
      else port.postMessage({ piece: value }, [value.buffer]);
    } catch (error) {
      if (error.name !== "AbortError") port.postMessage({ refused: error instanceof Refusal ? error.kind : "tampered" });
    }
  };
}

/** Cut into pieces that own their memory, none large: what is pulled and not wanted stays small. */
async function* cut(source, spares) {
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) {
      const part = bytes.subarray(at, at + PIECE_BYTES);
      const piece = new Uint8Array(spares.pop() ?? new ArrayBuffer(PIECE_BYTES), 0, part.length);
      piece.set(part);
      yield piece;
    }
  }
}

/** Walk a folder for a zip: folders, files, links. Names that unpack elsewhere on some system are changed. */
async function* members(folder, path, signal, depth = 0) {
  if (depth > DEEPEST) throw new Refusal("tampered");
  for (const entry of await reader.list(folder)) {
    const item = { path: path + savedName(entry.name), mtimeMs: entry.mtimeMs, kind: entry.kind };
    if (entry.kind === "f") yield { ...item, content: reader.read(entry, 0, entry.size, signal) };
    if (entry.kind === "l") yield { ...item, content: [new TextEncoder().encode(entry.target)] };
    if (entry.kind === "d") {
      yield { ...item, path: `${item.path}/`, content: [] };
      yield* members(entry, `${item.path}/`, signal, depth + 1);
    }
  }
}

/** Number an entry, and say of it what a page may know. */
function described(entry) {
  nodes.push(entry);
  return { node: nodes.length - 1, name: entry.name, kind: entry.kind, size: entry.size, mtimeMs: entry.mtimeMs };
}
