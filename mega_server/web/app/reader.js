// A shared tree, read piece by piece: folders by page, files by range. Only verified bytes come out of here.

import { hex } from "./bytes.js";
import { dataRefs, decodePage, openObject, Scratch } from "./formats.js";
import { check } from "./refusal.js";

const REQUEST_MOST_CHUNKS = 32; // some 40 MiB: who stops has not had the server read a film for nothing
const KEPT_CHUNKS = 4;
const FOLDER_MOST_ENTRIES = 200_000;

export class Reader {
  constructor(server) {
    this.server = server;
    this.layouts = new Map();
    this.kept = new Map();
  }

  /** Fetch and open the objects of some refs, in order. */
  async open(refs, signal) {
    const opened = [];
    for await (const blob of this.server.blobs(refs.map((ref) => ref.id), signal)) {
      opened.push(await openObject(blob, refs[opened.length]));
    }
    check(opened.length === refs.length);
    return opened;
  }

  /** List a folder's entries in the order of their names. */
  async list(entry) {
    if (entry.refs.length === 0) return [];
    let level = null;
    let runs = [{ ref: entry.refs[0], first: null, below: null }];
    for (;;) {
      const pages = [];
      for (let at = 0; at < runs.length; at += 64) {
        const some = runs.slice(at, at + 64);
        const raws = await this.open(some.map((run) => run.ref));
        pages.push(...raws.map((raw, index) => decodePage(raw, some[index])));
      }
      check(pages.every((page) => page.level === (level ?? pages[0].level)));
      check(level !== null || pages[0].level === 0 || pages[0].items.length > 1);
      if (pages[0].level === 0) return pages.flatMap((page) => page.items);
      level = pages[0].level - 1;
      runs = pages.flatMap((page, index) =>
        page.items.map((item, at) => {
          const next = page.items[at + 1]?.nameBytes ?? runs[index].below;
          return { ref: item.ref, first: item.nameBytes, below: next };
        }),
      );
      check(runs.length <= FOLDER_MOST_ENTRIES);
    }
  }

  /** Give a file's chunks: its data refs, each with the offset where it begins. */
  async layout(entry) {
    if (entry.refs.length === 0) return [];
    const key = hex(entry.refs[0].id);
    if (!this.layouts.has(key)) {
      let start = 0;
      const refs = await dataRefs(entry, (lists) => this.open(lists));
      this.layouts.set(key, refs.map((ref) => ({ ref, start: (start += ref.size) - ref.size })));
    }
    return this.layouts.get(key);
  }

  /**
   * Yield a file's bytes from `start` up to `end`, verified chunk by chunk, as they come. What was yielded is gone when the
   * next is asked for.
   */
  async *read(entry, start = 0, end = entry.size, signal = undefined) {
    const chunks = (await this.layout(entry)).filter((c) => c.start < end && c.start + c.ref.size > start);
    const scratch = new Scratch();
    for (let from = 0; from < chunks.length; from += REQUEST_MOST_CHUNKS) {
      const some = chunks.slice(from, from + REQUEST_MOST_CHUNKS);
      let got = 0;
      for await (const blob of this.server.blobs(some.map((chunk) => chunk.ref.id), signal)) {
        const { ref, start: at } = some[got++];
        const plain = await openObject(blob, ref, scratch);
        yield plain.subarray(Math.max(0, start - at), Math.min(plain.length, end - at));
      }
      check(got === some.length);
    }
  }

  /** Yield a short range for a player, chunk by chunk. What is under way is finished and kept for the next range. */
  async *seek(entry, start, end) {
    for (const { ref, start: at } of await this.layout(entry)) {
      if (at >= end || at + ref.size <= start) continue;
      const plain = await this.chunk(ref);
      yield plain.subarray(Math.max(0, start - at), Math.min(plain.length, end - at));
    }
  }

  /** Fetch one chunk, or give it again: a player asks for the same neighbourhood many times. */
  async chunk(ref) {
    const key = hex(ref.id);
    const found = this.kept.get(key) ?? this.open([ref]).then(([plain]) => plain);
    this.kept.delete(key);
    this.kept.set(key, found);
    if (this.kept.size > KEPT_CHUNKS) this.kept.delete(this.kept.keys().next().value);
    try {
      return await found;
    } catch (error) {
      this.kept.delete(key);
      throw error;
    }
  }
}
