// The list of a folder: sorted, searched, in portions, one row an entry.

import { button, icon, make, sizeText, timeText } from "./dom.js";
import { shapeOf } from "./kinds.js";
import { nameText } from "./names.js";

const ROWS_AT_ONCE = 500;
const KIND_ORDER = { d: 0, f: 1, l: 2 };
const COLUMNS = [["name", "Name", ""], ["size", "Size", "number"], ["when", "Changed", "number when"]];
const natural = new Intl.Collator(undefined, { numeric: true });
const ORDERS = {
  name: (one, two) => KIND_ORDER[one.kind] - KIND_ORDER[two.kind] || natural.compare(one.name, two.name),
  size: (one, two) => one.size - two.size,
  when: (one, two) => one.mtimeMs - two.mtimeMs,
};

export class EntryTable {
  /** `onOpen` hears which item was chosen. */
  constructor(onOpen) {
    Object.assign(this, { onOpen, items: [], order: "name", isDown: false, wanted: "", rows: ROWS_AT_ONCE, playing: null });
    this.search = make("input", { type: "search", placeholder: "Search this folder", "aria-label": "Search this folder" });
    this.search.oninput = () => this.find(this.search.value);
    this.count = make("p", { className: "quiet", role: "status" });
    this.heads = COLUMNS.map(([order, label, className]) => make("th", { className, scope: "col" }, button(label, () => this.sort(order))));
    this.body = make("tbody");
    this.more = button("Show more", () => this.showMore(), "plain");
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...this.heads)), this.body);
    const bar = make("div", { className: "bar" }, this.search, this.count);
    this.element = make("section", { className: "card", "aria-label": "Content" }, bar, table, this.more);
  }

  /** Show other items. */
  fill(items) {
    Object.assign(this, { items, wanted: "", rows: ROWS_AT_ONCE, playing: null });
    this.search.value = "";
    this.draw();
  }

  find(wanted) {
    this.wanted = wanted.toLowerCase();
    this.rows = ROWS_AT_ONCE;
    this.draw();
  }

  sort(order) {
    this.isDown = this.order === order && !this.isDown;
    this.order = order;
    this.draw();
  }

  showMore() {
    const next = this.rows;
    this.rows += ROWS_AT_ONCE;
    this.draw();
    this.body.rows[next].querySelector("button").focus();
  }

  /** Mark what plays. */
  mark(item) {
    this.buttons.get(this.playing)?.removeAttribute("aria-current");
    this.playing = item;
    this.buttons.get(item)?.setAttribute("aria-current", "true");
  }

  /** Give the keyboard back to an item's row. */
  focus(item) {
    this.buttons.get(item)?.focus();
  }

  /** Give all items, in the order that is shown. */
  sorted() {
    const sorted = [...this.items].sort(ORDERS[this.order]);
    return this.isDown ? sorted.reverse() : sorted;
  }

  draw() {
    const found = this.sorted().filter((item) => item.name.toLowerCase().includes(this.wanted));
    this.more.hidden = found.length <= this.rows;
    const all = `${this.items.length} ${this.items.length === 1 ? "item" : "items"}`;
    this.count.textContent = this.wanted ? `${found.length} of ${all}` : all;
    COLUMNS.forEach(([order], at) => {
      const direction = this.isDown ? "descending" : "ascending";
      this.heads[at].setAttribute("aria-sort", order === this.order ? direction : "none");
    });
    this.buttons = new Map();
    const rows = found.slice(0, this.rows).map((item) => this.row(item));
    if (!rows.length) rows.push(make("tr", {}, make("td", { colSpan: 3, className: "quiet" }, "Nothing here.")));
    this.body.replaceChildren(...rows);
  }

  row(item) {
    const name = button("", () => this.onOpen(item), "entry");
    name.append(icon(shapeOf(item)), make("span", {}, nameText(item.name)));
    this.buttons.set(item, name);
    name.disabled = item.kind !== "d" && item.kind !== "f";
    if (item === this.playing) name.setAttribute("aria-current", "true");
    return make(
      "tr",
      {},
      make("td", {}, name),
      make("td", { className: "number" }, item.kind === "f" ? sizeText(item.size) : ""),
      make("td", { className: "number when" }, timeText(item.mtimeMs)),
    );
  }
}
