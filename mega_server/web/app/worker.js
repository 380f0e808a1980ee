// The worker of a link's page: it alone holds keys. Pages ask it by message; bytes leave it by ports that are pulled.

import { linkKeys } from "./crypto.js";
import { openLinkRecord, parseLink } from "./formats.js";
import { Reader } from "./reader.js";
import { Refusal } from "./refusal.js";
import { LinkServer } from "./server.js";
import { zip } from "./zip.js";

const PIECE_BYTES = 256 << 10;
const RENEW_MS = 3_600_000;
const DEEPEST = 256;
const WHOLE_MOST_BYTES = 256 << 20;

let reader = null;
const nodes = [];

const calls = { open, list, whole, stream };

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
  const server = new LinkServer(base, link.linkId, keys.auth);
  const { entry, expiresMs } = await openLinkRecord(keys.record, link.linkId, link.pin, await server.open());
  if (expiresMs !== 0 && expiresMs < Date.now()) throw new Refusal("expired");
  reader = new Reader(server);
  setInterval(() => server.open().catch(() => {}), RENEW_MS);
  return { ...described(entry), expiresMs };
}

/** List a folder. */
async function list({ node }) {
  return (await reader.list(nodes[node])).map(described);
}

/** Give a small file whole. */
async function whole({ node }) {
  const entry = nodes[node];
  if (entry.size > WHOLE_MOST_BYTES) throw new Refusal("too-large");
  const pieces = [];
  for await (const piece of reader.read(entry)) pieces.push(piece.slice());
  return pieces;
}

/** Send bytes through `port`, a piece for each "pull"; `start` and `end` are a file's range, a folder gives a zip. */
async function stream({ node, start, end, port }) {
  const stop = new AbortController();
  const entry = nodes[node];
  let source = null;
  if (entry.kind === "d") source = zip(members(entry, "", stop.signal));
  else if (start === 0 && end === entry.size) source = reader.read(entry, start, end, stop.signal);
  else source = reader.seek(entry, start, end);
  const pieces = cut(source);
  port.onmessage = async ({ data }) => {
    if (data !== "pull") {
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
async function* cut(source) {
  for await (const bytes of source) {
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.slice(at, at + PIECE_BYTES);
  }
}

/** Walk a folder for a zip: folders, files, links. Names that unpack elsewhere on some system are changed. */
async function* members(folder, path, signal, depth = 0) {
  if (depth > DEEPEST) throw new Refusal("tampered");
  for (const entry of await reader.list(folder)) {
    const item = { path: path + harmless(entry.name), mtimeMs: entry.mtimeMs, kind: entry.kind };
    if (entry.kind === "f") yield { ...item, content: reader.read(entry, 0, entry.size, signal) };
    if (entry.kind === "l") yield { ...item, content: [new TextEncoder().encode(entry.target)] };
    if (entry.kind === "d") {
      yield { ...item, path: `${item.path}/`, content: [] };
      yield* members(entry, `${item.path}/`, signal, depth + 1);
    }
  }
}

/** Replace what separates paths, and control characters. */
function harmless(name) {
  return name.replace(/[\\:\p{Cc}\p{Cf}]/gu, "_");
}

/** Number an entry, and say of it what a page may know. */
function described(entry) {
  nodes.push(entry);
  return { node: nodes.length - 1, name: entry.name, kind: entry.kind, size: entry.size, mtimeMs: entry.mtimeMs };
}
