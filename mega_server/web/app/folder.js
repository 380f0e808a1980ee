// A shared folder: browse, sort, search; one file, or everything as a zip; music and films play one after another.

import { download } from "./download.js";
import { make, nameText, sizeText, timeText } from "./dom.js";
import { player, previewOf } from "./file.js";
import { mediaType } from "./kinds.js";

const ROWS_AT_ONCE = 500;
const KIND_ORDER = { d: 0, f: 1, l: 2 };
const natural = new Intl.Collator(undefined, { numeric: true });
const ORDERS = {
  name: (one, two) => KIND_ORDER[one.kind] - KIND_ORDER[two.kind] || natural.compare(one.name, two.name),
  size: (one, two) => one.size - two.size,
  when: (one, two) => one.mtimeMs - two.mtimeMs,
};

/** Show a folder. */
export async function folderView(context) {
  const box = make("div");
  const view = new FolderView(context, box);
  await view.enter([context.shared]);
  return box;
}

class FolderView {
  constructor(context, box) {
    Object.assign(this, context, { box, order: "name", isDown: false, wanted: "", rows: ROWS_AT_ONCE });
    this.stage = make("section", { className: "card preview", hidden: true, ariaLabel: "Preview" });
  }

  /** Go into the last folder of a path. */
  async enter(path) {
    try {
      this.items = await this.backend.call("list", { node: path.at(-1).node });
    } catch (error) {
      this.showRefusal(error);
      return;
    }
    Object.assign(this, { path, wanted: "", rows: ROWS_AT_ONCE, playing: null });
    this.stage.hidden = true;
    this.stage.replaceChildren();
    this.draw();
  }

  draw() {
    const { shared, path } = this;
    const until = shared.expiresMs ? `until ${timeText(shared.expiresMs)}` : "no expiry";
    const here = path.at(-1);
    const search = make("input", { type: "search", placeholder: "Search here", ariaLabel: "Search this folder" });
    search.oninput = () => {
      this.wanted = search.value.toLowerCase();
      this.fill();
    };
    this.table = make("tbody");
    this.more = make("button", { type: "button", className: "plain", hidden: true }, "Show more");
    this.more.onclick = () => {
      this.rows += ROWS_AT_ONCE;
      this.fill();
    };
    const name = `${here.name || "shared"}.zip`;
    const zip = download({ ...this, item: here, label: "Download as zip", name });
    const tracks = this.items.filter((item) => item.kind === "f" && mediaType(item.name));
    const play = make("button", { type: "button", className: "plain", hidden: !tracks.length || !this.streams.isAble }, "Play all");
    play.onclick = () => this.play(this.sorted().filter((item) => tracks.includes(item)));
    const facts = make("p", { className: "facts" }, `${this.items.length} items · ${until}`);
    this.box.replaceChildren(
      make(
        "section",
        { className: "card" },
        make("h1", {}, nameText(here.name)),
        facts,
        this.trail(),
        make("div", { className: "bar" }, search, play),
        zip,
        make("table", {}, make("thead", {}, this.heads()), this.table),
        this.more,
      ),
      this.stage,
    );
    this.fill();
  }

  /** Make the way back up. */
  trail() {
    const parts = this.path.slice(0, -1).flatMap((folder, at) => [
      make("button", { type: "button", className: "link", onclick: () => this.enter(this.path.slice(0, at + 1)) }, nameText(folder.name)),
      " / ",
    ]);
    return make("nav", { ariaLabel: "Folders above", hidden: !parts.length }, ...parts);
  }

  heads() {
    const head = (order, label, className = "") => {
      const isOn = this.order === order;
      const button = make("button", { type: "button" }, label + (isOn ? (this.isDown ? " ↓" : " ↑") : ""));
      button.onclick = () => {
        this.isDown = isOn && !this.isDown;
        this.order = order;
        this.draw();
      };
      const sort = isOn ? (this.isDown ? "descending" : "ascending") : "none";
      return make("th", { className, scope: "col", ariaSort: sort }, button);
    };
    return make("tr", {}, head("name", "Name"), head("size", "Size", "number"), head("when", "Changed", "number when"));
  }

  sorted() {
    const sorted = [...this.items].sort(ORDERS[this.order]);
    return this.isDown ? sorted.reverse() : sorted;
  }

  /** Fill the table with what is searched for. */
  fill() {
    const found = this.sorted().filter((item) => item.name.toLowerCase().includes(this.wanted));
    this.more.hidden = found.length <= this.rows;
    this.table.replaceChildren(...found.slice(0, this.rows).map((item) => this.row(item)));
    if (!found.length) this.table.append(make("tr", {}, make("td", { colSpan: 3, className: "note" }, "Nothing here.")));
  }

  row(item) {
    const mark = { d: "/", l: " (link)" }[item.kind] ?? "";
    const name = make("button", { type: "button", className: `link ${item.kind === "d" ? "folder" : ""}` }, nameText(item.name) + mark);
    name.onclick = () => (item.kind === "d" ? this.enter([...this.path, item]) : this.open(item));
    name.disabled = item.kind !== "d" && item.kind !== "f";
    const size = item.kind === "f" ? sizeText(item.size) : "";
    return make(
      "tr",
      { className: item === this.playing ? "playing" : "" },
      make("td", {}, name),
      make("td", { className: "number" }, size),
      make("td", { className: "number when" }, timeText(item.mtimeMs)),
    );
  }

  /** Show one file below the list. */
  async open(item) {
    if (mediaType(item.name) && this.streams.isAble) {
      this.play([item]);
      return;
    }
    this.stage.replaceChildren(make("h2", {}, nameText(item.name)), download({ ...this, item, label: "Download" }));
    this.stage.hidden = false;
    try {
      const preview = await previewOf({ ...this, item });
      if (preview) this.stage.append(preview);
    } catch (error) {
      this.stage.append(make("p", { className: "refused", role: "alert" }, error.message));
    }
    this.stage.scrollIntoView({ block: "nearest" });
  }

  /** Play a queue, one after another. */
  play([item, ...rest]) {
    this.playing = item;
    this.fill();
    const element = player(this.streams, item, mediaType(item.name));
    element.autoplay = true;
    element.onended = () => rest.length && this.play(rest);
    const next = make("button", { type: "button", className: "plain", hidden: !rest.length }, "Next");
    next.onclick = () => this.play(rest);
    const left = rest.length ? ` · ${rest.length} more` : "";
    this.stage.replaceChildren(
      make("h2", {}, nameText(item.name) + left),
      make("div", { className: "preview" }, element),
      make("div", { className: "bar" }, next, download({ ...this, item, label: "Download", className: "plain" })),
    );
    this.stage.hidden = false;
  }
}
