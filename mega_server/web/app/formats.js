// Formats of a link's reader (docs/formats): the link's fragment and record, objects, pages, lists. Strict, as mega is.

import { compare, equal, fromBase64url, isZero, join, uint32, uint64 } from "./bytes.js";
import { openBlob, openRecord, sha256, verify } from "./crypto.js";
import { decode } from "./msgpack.js";
import { Refusal, check } from "./refusal.js";
import { decompress } from "./vendor/fzstd.mjs";

export const DATA = 1;
export const LIST = 2;
export const PAGE = 3;
const REF_BYTES = 80;
const LIST_MOST_REFS = 12_000;
const LIST_DEPTH = 3;
const PAGE_LEVELS = 8;
const MOST_BYTES = { [DATA]: 4 << 20, [LIST]: LIST_MOST_REFS * REF_BYTES, [PAGE]: 65_536 };
const ZSTD_MAGIC = 0x28b52ffd;
const RECORD_PLAIN_BYTES = 1_024;
const ENTRY_AT = 50;
const ENTRY_MOST_BYTES = 910;
const SIGNATURE_BYTES = 64;
const ENTRY_MOST_ROW_BYTES = 32_000; // its head of one byte included
const TARGET_MOST_LETTERS = 4_096;
const COUNT_MOST = 2n ** 63n - 1n;

// --- the link ------------------------------------------------------------------------------------------------------

/** Read the id in a page's path and the fragment. */
export function parseLink(idText, fragment) {
  const linkId = fromBase64url(idText);
  if (linkId?.length !== 16) throw new Refusal("no-link");
  if (fragment === "") throw new Refusal("lost-key");
  const raw = fromBase64url(fragment.replace(/\s|%20|%0[AD]/gi, ""));
  if (raw?.length && raw[0] !== 1) throw new Refusal("newer");
  if (raw?.length !== 50 || raw[1] > 1) throw new Refusal("cut");
  return { linkId, hasPassword: raw[1] === 1, secret: raw.subarray(2, 34), pin: raw.subarray(34) };
}

/** Open a link's record: cipher, pin, signature, entry, in this order. */
export async function openLinkRecord(recordKey, linkId, pin, record) {
  const plain = openRecord(recordKey, linkId, record, RECORD_PLAIN_BYTES + 80);
  const signed = plain.subarray(0, -SIGNATURE_BYTES);
  const publicKey = signed.subarray(0, 32);
  if (!equal((await sha256(publicKey)).subarray(0, 16), pin)) throw new Refusal("untrusted");
  verify(publicKey, "mega1/sig/link", join(linkId, signed), plain.subarray(-SIGNATURE_BYTES));
  const length = (signed[48] << 8) | signed[49];
  check(length <= ENTRY_MOST_BYTES && isZero(signed.subarray(ENTRY_AT + length)));
  const entry = readEntry(decode(signed.subarray(ENTRY_AT, ENTRY_AT + length)));
  return { seq: uint64(signed, 32), expiresMs: Number(uint64(signed, 40)), entry };
}

// --- objects -------------------------------------------------------------------------------------------------------

/** Memory for opening one object after another, each in the place of the one before: a long film leaves no garbage. */
export class Scratch {
  constructor() {
    this.payload = new Uint8Array(5 << 20);
    this.plain = new Uint8Array(MOST_BYTES[DATA]);
  }
}

/** Verify and open the blob that a ref names, in a Scratch if one is given. */
export async function openObject(blob, ref, scratch = null) {
  const most = 52 + payloadBytes(MOST_BYTES[ref.kind]);
  const payload = await openBlob(blob, ref.id, ref.key, most, scratch?.payload);
  const plain = decodePayload(payload, ref.kind, scratch);
  check(ref.kind === LIST || plain.length === ref.size);
  return plain;
}

/** Round a length up by Padmé. */
export function padme(n) {
  if (n < 2) return n;
  const exponent = Math.floor(Math.log2(n));
  const unit = 2 ** (exponent - Math.floor(Math.log2(exponent)) - 1);
  return Math.ceil(n / unit) * unit;
}

function payloadBytes(storedLength) {
  return Math.max(512, padme(12 + storedLength));
}

function decodePayload(payload, kind, scratch) {
  check(payload.length >= 512);
  const [codec, own] = payload;
  const storedLength = uint32(payload, 4);
  const plainLength = uint32(payload, 8);
  const end = 12 + storedLength;
  check(codec <= 1 && own === kind && payload[2] === 0 && payload[3] === 0);
  check(plainLength > 0 && plainLength <= MOST_BYTES[kind] && payload.length === payloadBytes(storedLength));
  check(isZero(payload.subarray(end)));
  const stored = payload.subarray(12, end);
  if (codec === 0) {
    check(storedLength === plainLength);
    return stored;
  }
  check(storedLength < plainLength && contentSize(stored) === plainLength);
  try {
    const plain = decompress(stored, scratch?.plain.subarray(0, plainLength) ?? new Uint8Array(plainLength));
    check(plain.length === plainLength);
    return plain;
  } catch {
    throw new Refusal("tampered");
  }
}

/** Read the size that a zstd frame says (RFC 8878, 3.1.1.1); -1 when it says none. */
function contentSize(frame) {
  if (frame.length < 14 || uint32(frame, 0) !== ZSTD_MAGIC) return -1;
  const isSingle = (frame[4] >> 5) & 1;
  const at = 5 + (isSingle ? 0 : 1);
  const view = new DataView(frame.buffer, frame.byteOffset);
  switch (frame[4] >> 6) {
    case 0: return isSingle ? frame[at] : -1;
    case 1: return view.getUint16(at, true) + 256;
    case 2: return view.getUint32(at, true);
    default: return Number(view.getBigUint64(at, true));
  }
}

// --- refs and lists ------------------------------------------------------------------------------------------------

/** Read a run of refs, 80 bytes each. */
export function readRefs(raw) {
  check(raw.length % REF_BYTES === 0);
  const refs = [];
  for (let at = 0; at < raw.length; at += REF_BYTES) {
    const size = uint64(raw, at + 72);
    check(raw[at + 64] >= DATA && raw[at + 64] <= PAGE && isZero(raw.subarray(at + 65, at + 72)));
    check(size <= Number.MAX_SAFE_INTEGER);
    const id = raw.slice(at, at + 32);
    refs.push({ id, key: raw.slice(at + 32, at + 64), kind: raw[at + 64], size: Number(size) });
  }
  return refs;
}

/** Read the list that a ref names. `mustBeFull` is for every child list but the last. */
export function decodeList(raw, ref, mustBeFull) {
  const refs = readRefs(raw);
  check(refs.length > 0 && refs.length <= LIST_MOST_REFS && (!mustBeFull || refs.length === LIST_MOST_REFS));
  check(refs[0].kind !== PAGE && refs.every((child) => child.kind === refs[0].kind && child.size > 0));
  check(refs.reduce((sum, child) => sum + child.size, 0) === ref.size);
  return refs;
}

/** Give a file's data refs in order; `open` fetches and opens the objects of many refs at once. */
export async function dataRefs(entry, open) {
  let refs = entry.refs;
  for (let depth = 0; depth <= LIST_DEPTH; depth++) {
    check(refs.every((ref) => ref.kind === refs[0].kind));
    if (refs.every((ref) => ref.kind === DATA)) return refs;
    const opened = await open(refs);
    refs = opened.flatMap((raw, at) => decodeList(raw, refs[at], at < refs.length - 1));
  }
  return check(false);
}

// --- pages ---------------------------------------------------------------------------------------------------------

/** Read a page strictly: its level, and its entries or index items, in order. */
export function decodePage(raw, { first = null, below = null } = {}) {
  check(raw.length <= MOST_BYTES[PAGE]);
  const page = decode(raw);
  check(Array.isArray(page) && page.length === 3);
  const [version, level, rows] = page;
  if (version !== 1) throw new Refusal("newer");
  check(Number.isInteger(level) && level >= 0 && level < PAGE_LEVELS && Array.isArray(rows) && rows.length > 0);
  const items = rows.map(level === 0 ? readEntry : readIndexItem);
  items.forEach((item, at) => check(at === 0 || compare(items[at - 1].nameBytes, item.nameBytes) < 0));
  check(first === null || equal(items[0].nameBytes, first));
  check(below === null || compare(items.at(-1).nameBytes, below) < 0);
  return { level, items };
}

function readIndexItem(row) {
  check(Array.isArray(row) && row.length === 2 && row[1] instanceof Uint8Array);
  const refs = readRefs(row[1]);
  check(refs.length === 1 && refs[0].kind === PAGE);
  return { nameBytes: readName(row[0]), ref: refs[0] };
}

function readEntry(row) {
  check(Array.isArray(row) && row.length === 11 && row.size < ENTRY_MOST_ROW_BYTES);
  const [name, nodeId, kind, size, mtimeNs, mode, digest, rawRefs, target, changedIn, ext] = row;
  check([nodeId, digest, rawRefs].every((bytes) => bytes instanceof Uint8Array) && nodeId.length === 16);
  check([kind, target].every((text) => typeof text === "string") && kind.length > 0 && kind.length <= 8);
  check(isCount(size) && isCount(mode) && mode <= 0o7777 && isCount(changedIn) && digest.length <= 32);
  check((isCount(mtimeNs) || isCount(-mtimeNs)) && target.length <= TARGET_MOST_LETTERS);
  checkExt(ext);
  const refs = readRefs(rawRefs);
  if (kind === "f") {
    const isPlain = refs.length <= 4 && refs.every((ref) => ref.kind === DATA);
    check(isPlain || (refs.length === 1 && refs[0].kind === LIST));
    check(refs.reduce((sum, ref) => sum + ref.size, 0) === size && digest.length === 32 && target === "");
  } else if (kind === "d" || kind === "l") {
    check(size === 0 && digest.length === 0 && (kind === "l") === (target !== "") && !target.includes("\0"));
    check(refs.length === 0 || (kind === "d" && refs.length === 1 && refs[0].kind === PAGE));
  }
  const mtimeMs = Number(BigInt(mtimeNs) / 1_000_000n);
  return { name, nameBytes: readName(name), kind, size: Number(size), mtimeMs, refs, target };
}

/** Check what came later: bytes by ascending number. */
function checkExt(ext) {
  check(ext instanceof Map);
  const keys = [...ext.keys()];
  check(keys.every((key, at) => isCount(key) && (at === 0 || keys[at - 1] < key)));
  check([...ext.values()].every((value) => value instanceof Uint8Array));
}

/** Tell whether something is a whole number that a signed 64-bit integer holds, and not negative. */
function isCount(number) {
  return (typeof number === "bigint" || Number.isInteger(number)) && number >= 0 && number <= COUNT_MOST;
}

/** Check a name, and give its UTF-8 bytes. */
function readName(name) {
  check(typeof name === "string" && name.isWellFormed?.() !== false && name === name.normalize("NFC"));
  const bytes = new TextEncoder().encode(name);
  check(bytes.length > 0 && bytes.length <= 255 && name !== "." && name !== ".." && !/[/\0]/.test(name));
  return bytes;
}
