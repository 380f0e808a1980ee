// A zip archive as a stream (PKWARE APPNOTE 6.3.10): entries stored, sizes behind the data, zip64 throughout.

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});
const VERSION = 45;
const UNIX = 3;
const FLAGS = 0x0808; // sizes follow the data; names are UTF-8
const LIMIT = 0xffffffff;

/** Continue a CRC-32. */
export function crc32(bytes, before = 0) {
  let crc = ~before;
  for (let at = 0; at < bytes.length; at++) crc = CRC_TABLE[(crc ^ bytes[at]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/**
 * Yield the archive's bytes. Each item is {path, mtimeMs, kind: "f" | "d" | "l", content}: `content` yields bytes; the
 * path has no leading slash, and a folder's ends with one.
 */
export async function* zip(items) {
  const central = [];
  let at = 0;
  for await (const { path, mtimeMs, kind, content } of items) {
    const name = new TextEncoder().encode(path);
    const head = { name, time: dosTime(mtimeMs), kind, at, crc: 0, size: 0 };
    yield localHeader(head);
    for await (const bytes of content) {
      head.crc = crc32(bytes, head.crc);
      head.size += bytes.length;
      yield bytes;
    }
    yield record([4, 0x08074b50], [4, head.crc], [8, head.size], [8, head.size]);
    at += 30 + name.length + 20 + head.size + 24;
    central.push(head);
  }
  const begin = at;
  for (const head of central) {
    const line = centralHeader(head);
    at += line.length;
    yield line;
  }
  yield ending(central.length, begin, at - begin);
}

function localHeader({ name, time }) {
  const fixed = [[4, 0x04034b50], [2, VERSION], [2, FLAGS], [2, 0], [4, time], [4, 0], [4, LIMIT], [4, LIMIT]];
  return record(...fixed, [2, name.length], [2, 20], name, [2, 1], [2, 16], [8, 0], [8, 0]);
}

function centralHeader({ name, time, kind, at, crc, size }) {
  const mode = { f: 0o100644, d: 0o040755, l: 0o120777 }[kind];
  const attributes = mode * 0x10000 + (kind === "d" ? 0x10 : 0);
  const fixed = [[4, 0x02014b50], [2, UNIX * 256 + VERSION], [2, VERSION], [2, FLAGS], [2, 0], [4, time], [4, crc]];
  const sizes = [[4, LIMIT], [4, LIMIT], [2, name.length], [2, 28], [2, 0], [2, 0], [2, 0], [4, attributes], [4, LIMIT]];
  return record(...fixed, ...sizes, name, [2, 1], [2, 24], [8, size], [8, size], [8, at]);
}

function ending(count, begin, size) {
  const wide = [[4, 0x06064b50], [8, 44], [2, UNIX * 256 + VERSION], [2, VERSION], [4, 0], [4, 0], [8, count], [8, count]];
  const locator = [[4, 0x07064b50], [4, 0], [8, begin + size], [4, 1]];
  const short = Math.min(count, 0xffff);
  const old = [[4, 0x06054b50], [2, 0], [2, 0], [2, short], [2, short], [4, LIMIT], [4, LIMIT], [2, 0]];
  return record(...wide, [8, size], [8, begin], ...locator, ...old);
}

/** Lay out little-endian fields [width, number] and byte arrays. */
function record(...fields) {
  const out = new Uint8Array(fields.reduce((size, field) => size + (field instanceof Uint8Array ? field.length : field[0]), 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const field of fields) {
    if (field instanceof Uint8Array) {
      out.set(field, at);
      at += field.length;
      continue;
    }
    const [width, number] = field;
    if (width === 2) view.setUint16(at, number, true);
    else if (width === 4) view.setUint32(at, number, true);
    else view.setBigUint64(at, BigInt(number), true);
    at += width;
  }
  return out;
}

/** Write a local time as MS-DOS did: years 1980 to 2107, steps of two seconds. */
function dosTime(mtimeMs) {
  const when = new Date(Math.min(Math.max(mtimeMs, Date.UTC(1980, 0, 2)), Date.UTC(2107, 11, 30)));
  const date = ((when.getFullYear() - 1980) << 9) | ((when.getMonth() + 1) << 5) | when.getDate();
  const time = (when.getHours() << 11) | (when.getMinutes() << 5) | (when.getSeconds() >> 1);
  return date * 0x10000 + time;
}
